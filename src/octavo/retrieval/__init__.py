"""Finding things: documents, images by text, networks by data, facts in sentences.

Each ranks or answers from a collection.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
