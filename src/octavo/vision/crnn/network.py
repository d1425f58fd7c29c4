"""The network of the paper: convolutions, recurrent layers, and a transcription by CTC."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float, Int64
from torch import Tensor, nn

from octavo.vision.crnn.features import ConvolutionalFeatures, Variant
from octavo.vision.crnn.processor import NARROWEST, CRNNProcessor
from octavo.vision.crnn.recognizer import CTCModel
from octavo.vision.crnn.recurrent import RecurrentStack, RnnName

HIDDEN = 256


class CRNN(CTCModel, PyTorchModelHubMixin, library_name="octavo"):
    r"""Reads a line of text from a picture of any width, trained from texts without positions.

    Convolutions make one feature vector a column, two bidirectional LSTMs let the columns know of each other,
    and p(text | picture) is the sum over all ways to spread the text over the columns (CTC).

    Args:
        alphabet: a pattern such as ``0-9a-z``, or a list of symbols.
        variant: `official` (the authors' code), `paper` (Table 1), `easyocr` (half as wide, for the
            pretrained English weights).
        height: of the pictures: 32, 64 or 128.
        width_mult: factor of all sizes; 0.5 has a quarter of the parameters and takes a quarter of the time.
        rnn: `bilstm`, `lstm` (left to right), or `none`.
        in_channels: of the pictures, 1 for grey.

    Shape:
        images ``(batch, in_channels, height, width)`` -> log_probs ``(batch, width // 4 + 1, classes)``
        (variant `official`).

    Raises:
        ValueError: the height, the variant or the recurrent layers are none of these.

    Example:
        >>> model = CRNN(alphabet="0-9a-z", width_mult=0.25).eval()
        >>> output = model(torch.zeros(2, 1, 32, 100), labels=["crnn", "reads"])
        >>> output.log_probs.shape
        torch.Size([2, 26, 37])
        >>> model.recognize(torch.zeros(1, 48, 160))[0].frames  # 108 wide at height 32
        28

    Differs from the paper: text and code do; see the README.
    Source: arXiv 1507.05717, section 2.
    """

    def __init__(
        self,
        alphabet: str | Sequence[str] = "0-9a-z",
        variant: Variant = "official",
        *,
        height: int = 32,
        width_mult: float = 1.0,
        rnn: RnnName = "bilstm",
        in_channels: int = 1,
        separator: str = "",
    ) -> None:
        super().__init__(alphabet, separator)
        self.variant, self.height, self.in_channels = variant, height, in_channels
        self.features = ConvolutionalFeatures(
            variant, height=height, width_mult=width_mult, in_channels=in_channels
        )
        hidden = max(1, round(HIDDEN * width_mult))
        self.recurrent = RecurrentStack(self.features.size, hidden, self.alphabet.classes, rnn)

    @classmethod
    def from_meijieru(cls, state: Mapping[str, Tensor], alphabet: str = "0-9a-z") -> "CRNN":
        """A recogniser with weights of the port crnn.pytorch.

        Args:
            state: the tensors of its checkpoint.
            alphabet: its characters, in order.

        Raises:
            ValueError: a tensor lacks, is left over or has another shape.
        """
        from octavo.vision.crnn.checkpoints import from_meijieru

        return from_meijieru(state, alphabet)

    @classmethod
    def from_torch7(cls, state: Mapping[str, Any] | Path | str, alphabet: str = "0-9a-z") -> "CRNN":
        """A recogniser with weights of the authors' own Torch7 code.

        Args:
            state: the file of a snapshot, or what is in it.
            alphabet: its characters, in order.

        Raises:
            ValueError: a tensor lacks, is left over or has another shape.
        """
        from octavo.vision.crnn.checkpoints import from_torch7

        return from_torch7(state, alphabet)

    def _save_pretrained(self, save_directory: Path) -> None:
        # On a GPU an LSTM's weights are pieces of one block of memory, which safetensors refuses to write.
        PyTorchModelHubMixin._save_pretrained(copy.deepcopy(self).cpu(), save_directory)

    def to_onnx(self, path: Path | str) -> None:
        """Writes the reader as ONNX, for any number of pictures of any one width.

        Args:
            path: of the file.

        Raises:
            Missing: onnx is not installed.
        """
        from octavo.vision.crnn.onnx_export import export_onnx

        export_onnx(self, path, height=self.height, channels=self.in_channels)

    def processor(self, **settings: Any) -> CRNNProcessor:
        """The processor whose pictures the weights expect.

        Args:
            settings: passed on to it, such as ``keep_ratio=False``.
        """
        # 100 at height 32, as the paper tests.
        own: dict[str, Any] = {"height": self.height, "min_width": 100 * self.height // 32}
        if self.variant == "easyocr":
            own |= {"min_width": self.height, "centre": 127.5, "scale": 127.5, "multiple": 8, "contrast": 0.5}
        return CRNNProcessor(**own | settings)

    def encode(
        self,
        images: Float[Tensor, "batch channels height width"],
        widths: Int64[Tensor, " batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time classes"], Int64[Tensor, " batch"]]:
        """Scores of the classes in each frame, and how many frames of each picture count."""
        if images.shape[-2] != self.height or images.shape[-1] < NARROWEST:
            raise ValueError(
                f"pictures are {images.shape[-2]} x {images.shape[-1]}, expected height {self.height} and a "
                f"width of at least {NARROWEST}; model.processor() makes them so"
            )
        if images.shape[1] != self.in_channels:
            raise ValueError(f"pictures have {images.shape[1]} channels, expected {self.in_channels}")
        # Convolutions of few channels are quicker on CPUs in this order.
        images = images.contiguous(memory_format=torch.channels_last)
        features, lengths = self.features(images, widths)
        return self.recurrent(features, None if widths is None else lengths), lengths


class MusicCRNN(CRNN):
    """Reads the pitches of a printed staff: the paper's network for music.

    Without the fourth and sixth convolution, and with two LSTMs that read from left to right.

    Args:
        alphabet: names of notes, such as ``["C4", "D4"]``; a text is notes with spaces between them.
        height: of the pictures.
        width_mult: factor of all sizes.

    Shape:
        images ``(batch, 1, height, width)`` -> log_probs ``(batch, width // 4 + 1, notes + 1)``.

    Example:
        >>> model = MusicCRNN(["C4", "D4", "E4"], width_mult=0.125)
        >>> output = model(torch.zeros(1, 1, 64, 200), labels=["C4 E4 E4"])
        >>> output.log_probs.shape
        torch.Size([1, 51, 4])

    Source: arXiv 1507.05717, section 3.4.
    """

    def __init__(self, alphabet: Sequence[str], *, height: int = 64, width_mult: float = 1.0) -> None:
        super().__init__(
            list(alphabet), "music", height=height, width_mult=width_mult, rnn="lstm", separator=" "
        )


class CTCRecognizer(CTCModel):
    """A head that makes a recogniser of any encoder of pictures into columns.

    Args:
        encoder: a module from images to ``(batch, time, size)``, or to these and the frames that count.
        alphabet: a pattern such as ``0-9a-z``, or a list of symbols.
        size: of the encoder's vectors.
        height: of the pictures.

    Shape:
        images ``(batch, channels, height, width)`` -> log_probs ``(batch, time, classes)``.

    Example:
        >>> class Columns(nn.Module):
        ...     def forward(self, images):
        ...         return images[:, 0].mT
        >>> model = CTCRecognizer(Columns(), "a-z", size=32)
        >>> model(torch.zeros(2, 1, 32, 40)).log_probs.shape
        torch.Size([2, 40, 27])
    """

    def __init__(
        self, encoder: nn.Module, alphabet: str | Sequence[str], size: int, *, height: int = 32
    ) -> None:
        super().__init__(alphabet)
        self.encoder, self.height = encoder, height
        self.head = nn.Linear(size, self.alphabet.classes)

    def processor(self, **settings: Any) -> CRNNProcessor:
        """A processor of the encoder's height.

        Args:
            settings: passed on to it.
        """
        return CRNNProcessor(**{"height": self.height} | settings)

    def encode(
        self, images: Tensor, widths: Int64[Tensor, " batch"] | None = None
    ) -> tuple[Float[Tensor, "batch time classes"], Int64[Tensor, " batch"]]:
        """Scores of the classes in each frame, and how many frames of each picture count."""
        encoded = self.encoder(images) if widths is None else self.encoder(images, widths)
        columns, lengths = encoded if isinstance(encoded, tuple) else (encoded, None)
        if lengths is None:
            lengths = torch.full((len(columns),), columns.shape[1], device=columns.device)
        return self.head(columns), lengths
