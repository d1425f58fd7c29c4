"""A reader as an ONNX file, for runtimes without torch."""

import warnings
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.errors import Missing
from octavo.vision.crnn.recognizer import CTCModel


class LogProbs(nn.Module):
    """The reader without its loss and its masks: pictures of one width in, log-probabilities out."""

    def __init__(self, model: CTCModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch time classes"]:
        """Log-probabilities of each frame."""
        scores, _ = self.model.encode(images, None)
        return scores.log_softmax(-1)


def export_onnx(model: CTCModel, path: Path | str, *, height: int, channels: int = 1) -> None:
    """Writes a reader as ONNX, for any number of pictures of any one width.

    The file has the input `images` ``(batch, channels, height, width)``, as `model.processor()` makes them,
    and the output `log_probs` ``(batch, time, classes)``; class 0 is the blank, others are the alphabet's.

    Args:
        model: the reader, on any device; a copy of it in evaluation mode, in float32, on the CPU is read.
        path: of the file.
        height: of the pictures.
        channels: of the pictures.

    Raises:
        Missing: onnx is not installed.
    """
    if find_spec("onnx") is None:
        raise Missing("onnx", "Install it: `pip install 'octavo[onnx]'`.")
    reader = LogProbs(deepcopy(model)).to("cpu", torch.float32).eval()
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter by tracing, which takes a moment. It warns of itself, of the check of sizes, which
        # holds for every width, and of batches of another size, which are tested.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            reader,
            (torch.zeros(2, channels, height, 4 * height),),
            str(path),
            input_names=["images"],
            output_names=["log_probs"],
            dynamic_axes={"images": {0: "batch", 3: "width"}, "log_probs": {0: "batch", 1: "time"}},
            opset_version=17,
            dynamo=False,
        )
