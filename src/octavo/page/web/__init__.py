"""The page as a web application."""
