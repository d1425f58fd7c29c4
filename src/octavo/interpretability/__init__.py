"""Seeing inside networks: circuits, codebooks, and what single neurons stand for.

Each reads a trained network and says something that can be checked.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
