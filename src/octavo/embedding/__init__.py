"""Text to vectors: sentence encoders that can be cut short, distilled, routed or trained from a dictionary.

Each gives vectors whose distances mean likeness.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
