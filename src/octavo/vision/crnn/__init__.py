"""CRNN (arXiv 1507.05717): an end-to-end trainable network for image-based sequence recognition.

A picture of a line of any width goes in, its text comes out: convolutions give a feature vector a column,
bidirectional LSTMs let the columns know of each other, and CTC sums over all ways to spread a text over them,
so that texts without positions are enough to train it. `CRNN` is the network, `crnn_pretrained` gives one
that reads, `Lexicon` decodes with a dictionary, `CTCRecognizer` puts the head on any other encoder.

Paper: arXiv 1507.05717. Measured claims: ``octavo run crnn``.
"""

from octavo.vision.crnn.bk_tree import BKTree
from octavo.vision.crnn.checkpoints import crnn_pretrained
from octavo.vision.crnn.ctc import ctc_beam, ctc_greedy
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.lexicon import Lexicon
from octavo.vision.crnn.network import CRNN, CTCRecognizer, MusicCRNN
from octavo.vision.crnn.processor import CRNNProcessor
from octavo.vision.crnn.recognizer import Recognition
from octavo.vision.crnn.rendering import TextRenderer

__all__ = [
    "CRNN",
    "BKTree",
    "CRNNProcessor",
    "CTCRecognizer",
    "CaseFolded",
    "Lexicon",
    "MusicCRNN",
    "Recognition",
    "TextRenderer",
    "crnn_pretrained",
    "ctc_beam",
    "ctc_greedy",
]
