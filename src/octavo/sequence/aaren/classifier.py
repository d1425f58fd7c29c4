"""A series in, a class out; fed item by item, its opinion so far."""

from typing import NamedTuple

import torch
from einops import reduce
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float
from torch import Tensor, nn

from octavo.sequence.aaren.checks import (
    check_mask,
    check_not_empty,
    check_positive,
    check_sequence,
    check_token,
)
from octavo.sequence.aaren.encoder import AarenEncoder, EncoderState, MixerName


class ClassifierState(NamedTuple):
    """What a classifier carries on.

    Args:
        encoder: state of the encoder.
        mean: mean of the outputs so far.
    """

    encoder: EncoderState
    mean: Float[Tensor, "batch d_model"]

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return self.encoder.nbytes + self.mean.nbytes


class AarenClassifier(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """Classifies multivariate series: a causal encoder, the mean of its outputs, a linear layer.

    As the encoder is causal, the logits of a prefix are those of the prefix alone, and `update` gives them
    after each item.

    Args:
        n_channels: numbers in an item.
        n_classes: classes.
        d_model: size of a hidden state.
        n_layers: blocks.
        n_heads: heads, a divisor of d_model.
        dim_feedforward: width of the feed-forward networks; 4 d_model by default.
        dropout: in training.
        mixer: ``aaren``, ``attention``, ``lstm`` or ``gru``.

    Shape:
        series ``(batch, time, n_channels)`` -> logits ``(batch, n_classes)``.

    Example:
        >>> import torch
        >>> model = AarenClassifier(n_channels=3, n_classes=4).eval()
        >>> series = torch.randn(2, 50, 3)
        >>> state = None
        >>> for t in range(50):
        ...     logits, state = model.update(series[:, t], state)
        >>> torch.allclose(logits, model(series), atol=1e-5)
        True

    Source: arXiv 2405.13956, section 4.4.
    """

    def __init__(
        self,
        n_channels: int,
        n_classes: int,
        *,
        d_model: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        dim_feedforward: int | None = None,
        dropout: float = 0.1,
        mixer: MixerName = "aaren",
    ) -> None:
        super().__init__()
        check_positive(n_channels=n_channels, n_classes=n_classes)
        self.n_channels = n_channels
        self.embed = nn.Linear(n_channels, d_model)
        self.encoder = AarenEncoder(
            d_model, n_layers, n_heads, dim_feedforward, dropout, "gelu", norm_first=True, mixer=mixer
        )
        self.head = nn.Linear(d_model, n_classes)

    def forward(
        self,
        x: Float[Tensor, "batch time channels"],
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Logits of whole series.

        Args:
            x: series.
            key_padding_mask: True where there is padding; it is never read.

        Raises:
            ValueError: shapes or types do not fit, or a series is empty.
        """
        check_sequence(x, self.n_channels)
        check_mask(x, key_padding_mask)
        if x.shape[1] == 0:
            raise ValueError(f"a series needs at least one item to be classified, got {tuple(x.shape)}")
        check_not_empty(key_padding_mask)
        if key_padding_mask is None:
            hidden = self.encoder(self.embed(x))
            return self.head(reduce(hidden, "batch time d_model -> batch d_model", "mean"))
        padding = key_padding_mask[..., None]
        hidden = self.encoder(self.embed(x.masked_fill(padding, 0.0)), key_padding_mask, allow_empty=True)
        total = reduce(hidden.masked_fill(padding, 0.0), "batch time d_model -> batch d_model", "sum")
        return self.head(total / (~padding).sum(1))

    def update(
        self, new_item: Float[Tensor, "batch channels"], state: ClassifierState | None = None
    ) -> tuple[Float[Tensor, "batch classes"], ClassifierState]:
        """Logits of the series up to and with one more item.

        Args:
            new_item: the item.
            state: of the items before it; None at the start.
        """
        check_token(new_item, self.n_channels)
        if state is None:
            state = self.init_state(new_item.shape[0])
        hidden, encoder = self.encoder.step(self.embed(new_item), state.encoder)
        mean = state.mean + (hidden - state.mean) / encoder.position[:, None]
        return self.head(mean), ClassifierState(encoder, mean)

    def init_state(self, batch: int, device: torch.device | str | None = None) -> ClassifierState:
        """The state before the first item."""
        mean = self.head.weight.new_zeros(batch, self.encoder.d_model, device=device)
        return ClassifierState(self.encoder.init_state(batch, device), mean)
