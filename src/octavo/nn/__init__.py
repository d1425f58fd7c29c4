"""Building blocks that two or more papers share."""

from octavo.nn.minimise import minimise

__all__ = ["minimise"]
