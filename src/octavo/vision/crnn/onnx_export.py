"""A reader as an ONNX file, for runtimes without torch."""

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
        model: the reader; it is read in evaluation mode, in float32, on the CPU.
        path: of the file.
        height: of the pictures.
        channels: of the pictures.

    Raises:
        Missing: onnx or onnxscript is not installed.
    """
    try:
        import onnxscript  # noqa: F401  (torch's exporter needs it, and says so only half way)
    except ImportError as error:
        raise Missing("onnx", "Install it: `pip install 'octavo[onnx]'`.") from error
    training = model.training
    reader = LogProbs(model).eval()
    example = torch.zeros(2, channels, height, 4 * height)
    batch, width = torch.export.Dim("batch"), torch.export.Dim("width", min=height)
    try:
        torch.onnx.export(
            reader,
            (example,),
            str(path),
            input_names=["images"],
            output_names=["log_probs"],
            dynamic_shapes=({0: batch, 3: width},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    finally:
        model.train(training)
