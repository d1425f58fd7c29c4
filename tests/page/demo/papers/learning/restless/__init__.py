"""A demo that does what it must not."""
