"""Language models: their activations, adapters, decoding, data and cheaper inference.

Each works on real checkpoints as well as on small ones.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
