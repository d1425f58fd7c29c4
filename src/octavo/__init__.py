"""Papers that run: each is imported in one line, run in one command, and judged against its own abstract."""

__version__ = "0.1.0"
