"""How networks learn: noise, guidance, many networks in one, learning from the prompt alone.

What lies here changes or examines a training, and leaves the architecture to others.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
