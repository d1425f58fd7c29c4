"""Images and video: reading text, counting crowds, captioning, light attention, vision-language models.

Each takes pictures and gives labels, maps or words.
"""

from octavo.catalogue import lazy_shelf

__getattr__, __dir__, __path__ = lazy_shelf(__name__, __path__)
