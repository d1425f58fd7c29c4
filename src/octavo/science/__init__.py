"""Models of the physical world: operators between fields, motion as people see it, latent geometry.

Each puts a known structure into a network.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
