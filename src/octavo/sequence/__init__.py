"""Models that read and write sequences: recurrent networks, attention in their place, pointers.

Each takes items in order, and most can be fed one item at a time.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
