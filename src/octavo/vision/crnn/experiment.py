"""Every claim of the abstract, measured beside the systems that it is about."""

from octavo.vision.crnn.parts.dictionary import dictionary, tree_search
from octavo.vision.crnn.parts.digits import digit_reader, digit_strings
from octavo.vision.crnn.parts.lines import reader, rendered
from octavo.vision.crnn.parts.music import music, score_reader
from octavo.vision.crnn.parts.plots import (
    readers_of_scenes,
    size_and_accuracy,
    squashed_to_one_width,
    trade_of_the_edit_distance,
)
from octavo.vision.crnn.parts.scenes import rapidocr, scene_text, speed, squashed, tesseract
from octavo.vision.crnn.parts.sizes import sizes, sizes_of_others
from octavo.vision.crnn.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "dictionary",
    "digit_reader",
    "digit_strings",
    "music",
    "rapidocr",
    "reader",
    "readers_of_scenes",
    "rendered",
    "scene_text",
    "score_reader",
    "size_and_accuracy",
    "sizes",
    "sizes_of_others",
    "speed",
    "squashed",
    "squashed_to_one_width",
    "tesseract",
    "trade_of_the_edit_distance",
    "tree_search",
]
