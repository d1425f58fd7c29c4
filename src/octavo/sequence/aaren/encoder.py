"""A stack of blocks like `nn.TransformerEncoder`, whose mixer is one word: aaren, attention, lstm, gru."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast, get_args

import torch
import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.sequence.aaren.attention import Aaren
from octavo.sequence.aaren.causal_attention import CausalAttention, KVCache
from octavo.sequence.aaren.checks import (
    check_mask,
    check_not_empty,
    check_positive,
    check_sequence,
    check_token,
)
from octavo.sequence.aaren.positional import SinusoidalPositions
from octavo.sequence.aaren.recurrent import Recurrent, RecurrentState
from octavo.sequence.aaren.state import AarenState

MixerName = Literal["aaren", "attention", "lstm", "gru"]
Activation = Callable[[Tensor], Tensor]
LayerState = AarenState | KVCache | RecurrentState


class EncoderState(NamedTuple):
    """What a stack of layers carries on.

    Args:
        layers: the state of each layer's mixer.
        position: tokens seen by each row, for the positional encoding.
    """

    layers: tuple[LayerState, ...]
    position: Int[Tensor, " batch"]

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return sum(layer.nbytes for layer in self.layers) + self.position.nbytes

    def select(self, rows: Tensor) -> "EncoderState":
        """The states of some rows of the batch, in this order."""
        return EncoderState(
            tuple(layer.select(rows) for layer in self.layers), self.position.index_select(0, rows)
        )


class AarenLayer(nn.Module):
    """A Transformer block around `Aaren`: `nn.TransformerEncoderLayer` with d_model parameters more.

    Args:
        d_model: size of a token.
        n_heads: heads, a divisor of d_model.
        dim_feedforward: width of the feed-forward network.
        dropout: of the mixer and of both branches.
        activation: a name in `torch.nn.functional`, or a function.
        layer_norm_eps: of the two norms.
        norm_first: normalise before each branch rather than after.
        bias: whether linear layers and norms have one.
        mixer: ``aaren``; ``attention``, the causal Transformer with a cache of keys and values; ``lstm``;
            ``gru``.

    Shape:
        ``(batch, time, d_model)`` -> the same.

    Example:
        >>> import torch
        >>> AarenLayer(d_model=16, n_heads=2)(torch.randn(3, 10, 16)).shape
        torch.Size([3, 10, 16])

    Source: arXiv 2405.13956, section 3.3.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = "relu",
        layer_norm_eps: float = 1e-5,
        *,
        norm_first: bool = False,
        bias: bool = True,
        mixer: MixerName = "aaren",
    ) -> None:
        super().__init__()
        check_positive(dim_feedforward=dim_feedforward)
        self.norm_first = norm_first
        self.activation = getattr(F, activation) if isinstance(activation, str) else activation
        self.mixer = _mixer(mixer, d_model, n_heads, dropout, bias)
        self.linear1 = nn.Linear(d_model, dim_feedforward, bias=bias)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias=bias)
        self.norm1 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch time d_model"],
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
        state: Any = None,
        need_state: bool = False,
        *,
        allow_empty: bool = False,
    ) -> Any:
        """Outputs at all positions, and with `need_state` the state; arguments as in `Aaren.forward`."""
        mixed, state = self.mixer(
            self.norm1(x) if self.norm_first else x, key_padding_mask, state, True, allow_empty=allow_empty
        )
        y = self._after_mixing(x, mixed)
        return (y, state) if need_state else y

    def step(
        self, x_t: Float[Tensor, "batch d_model"], state: Any = None
    ) -> tuple[Float[Tensor, "batch d_model"], Any]:
        """Output for one more token."""
        mixed, state = self.mixer.step(self.norm1(x_t) if self.norm_first else x_t, state)
        return self._after_mixing(x_t, mixed), state

    def init_state(
        self, batch: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> LayerState:
        """The state before the first token."""
        return self.mixer.init_state(batch, device, dtype)

    def _after_mixing(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + self._drop(mixed)
        if self.norm_first:
            return x + self._feed_forward(self.norm2(x))
        x = self.norm1(x)
        return self.norm2(x + self._feed_forward(x))

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self._drop(self.linear2(self._drop(self.activation(self.linear1(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        # Three calls that do nothing are a tenth of a step.
        return self.dropout(x) if self.training else x


class AarenEncoder(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """A causal sequence encoder: trained on whole sequences, then fed one token at a time in constant memory.

    Args:
        d_model: size of a token.
        n_layers: blocks.
        n_heads: heads, a divisor of d_model.
        dim_feedforward: width of the feed-forward networks; 4 d_model by default.
        dropout: of the mixers and branches.
        activation: a name in `torch.nn.functional`, or a function (then the model cannot be saved by config).
        norm_first: normalise before each branch, and once more at the end.
        bias: whether linear layers and norms have one.
        mixer: ``aaren``, ``attention``, ``lstm`` or ``gru``.
        positional: ``sinusoidal``; ``none``, and the first aaren layer does not see the order of the past; or
            a module from positions ``(*any)`` to encodings ``(*any, d_model)``.

    Shape:
        ``(batch, time, d_model)`` -> the same.

    Example:
        >>> import torch
        >>> encoder = AarenEncoder(d_model=16, n_layers=2, n_heads=2).eval()
        >>> x = torch.randn(3, 10, 16)
        >>> state = encoder.init_state(batch=3)
        >>> for t in range(10):
        ...     y_t, state = encoder.step(x[:, t], state)
        >>> torch.allclose(y_t, encoder(x)[:, -1], atol=1e-5)
        True

    Source: arXiv 2405.13956, section 3.3.
    """

    positional: nn.Module | None

    def __init__(
        self,
        d_model: int,
        n_layers: int,
        n_heads: int,
        dim_feedforward: int | None = None,
        dropout: float = 0.1,
        activation: str | Activation = "relu",
        *,
        norm_first: bool = False,
        bias: bool = True,
        mixer: MixerName = "aaren",
        positional: Literal["sinusoidal", "none"] | nn.Module = "sinusoidal",
    ) -> None:
        super().__init__()
        check_positive(n_layers=n_layers)
        self.d_model = d_model
        self.layers = nn.ModuleList(
            AarenLayer(
                d_model,
                n_heads,
                4 * d_model if dim_feedforward is None else dim_feedforward,
                dropout,
                activation,
                norm_first=norm_first,
                bias=bias,
                mixer=mixer,
            )
            for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(d_model, bias=bias) if norm_first else nn.Identity()
        self.positional = _positional(positional, d_model)

    def forward(
        self,
        x: Float[Tensor, "batch time d_model"],
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
        state: EncoderState | None = None,
        need_state: bool = False,
        *,
        allow_empty: bool = False,
    ) -> Any:
        """Outputs at all positions at once.

        Args:
            x: tokens.
            key_padding_mask: True where there is padding, left, right or between; it is never read, and takes
                no position.
            state: where an earlier call ended.
            need_state: return (outputs, state) rather than outputs.
            allow_empty: let rows pass that are all padding.

        Raises:
            ValueError: shapes, types or the state do not fit, or a row is all padding.
        """
        check_sequence(x, self.d_model)
        check_mask(x, key_padding_mask)
        self._check_state(x.shape[0], state)
        if not allow_empty:
            check_not_empty(key_padding_mask, None if state is None else state.position)
        if key_padding_mask is not None:
            x = x.masked_fill(key_padding_mask[..., None], 0.0)
        seen, positions, count = self._positions(x, key_padding_mask, state)
        if self.positional is not None:
            x = x + self.positional(positions).to(x.dtype)
        states = []
        for index, layer in enumerate(self.layers):
            before = None if state is None else state.layers[index]
            x, after = layer(x, key_padding_mask, before, True, allow_empty=True)
            states.append(after)
        x = self.norm(x)
        return (x, EncoderState(tuple(states), seen + count)) if need_state else x

    def step(
        self, x_t: Float[Tensor, "batch d_model"], state: EncoderState | None = None
    ) -> tuple[Float[Tensor, "batch d_model"], EncoderState]:
        """Output for one more token.

        Args:
            x_t: the token.
            state: of the tokens before it; None at the start.
        """
        check_token(x_t, self.d_model)
        if state is None:
            state = self.init_state(x_t.shape[0], x_t.device)
        self._check_state(x_t.shape[0], state)
        if self.positional is not None:
            x_t = x_t + self.positional(state.position).to(x_t.dtype)
        states = []
        for layer, before in zip(self._blocks, state.layers, strict=True):
            x_t, after = layer.step(x_t, before)
            states.append(after)
        return self.norm(x_t), EncoderState(tuple(states), state.position + 1)

    def init_state(
        self, batch: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> EncoderState:
        """The state before the first token."""
        layers = tuple(layer.init_state(batch, device, dtype) for layer in self._blocks)
        device = device or next(self.parameters()).device
        return EncoderState(layers, torch.zeros(batch, dtype=torch.int64, device=device))

    @property
    def _blocks(self) -> list[AarenLayer]:
        return [cast(AarenLayer, layer) for layer in self.layers]

    def _positions(
        self, x: Tensor, padding: Tensor | None, state: EncoderState | None
    ) -> tuple[Tensor, Tensor, Tensor | int]:
        batch, time, _ = x.shape
        seen = x.new_zeros(batch, dtype=torch.int64) if state is None else state.position
        if padding is not None:
            valid = (~padding).long()
            return seen, seen[:, None] + (valid.cumsum(1) - 1).clamp_min(0), valid.sum(1)
        steps = torch.arange(time, device=x.device)
        return seen, steps if state is None else seen[:, None] + steps, time

    def _check_state(self, batch: int, state: EncoderState | None) -> None:
        if state is None:
            return
        if not isinstance(state, EncoderState) or len(state.layers) != len(self.layers):
            got = f"{len(state.layers)} layers" if isinstance(state, EncoderState) else type(state).__name__
            raise ValueError(
                f"state must be an EncoderState of {len(self.layers)} layers, got {got}; "
                "make one with init_state(batch)"
            )
        if state.position.shape != (batch,):
            raise ValueError(
                f"state is for a batch of {len(state.position)}, got {batch} rows; make one for this batch"
            )


def _mixer(name: str, d_model: int, n_heads: int, dropout: float, bias: bool) -> Any:
    if name == "aaren":
        return Aaren(d_model, n_heads, bias=bias, dropout=dropout)
    if name == "attention":
        return CausalAttention(d_model, n_heads, bias=bias, dropout=dropout)
    if name in ("lstm", "gru"):
        return Recurrent(d_model, "lstm" if name == "lstm" else "gru")
    raise ValueError(f"mixer={name!r} is unknown; choose one of {', '.join(get_args(MixerName))}")


def _positional(choice: str | nn.Module, d_model: int) -> nn.Module | None:
    if isinstance(choice, nn.Module):
        return choice
    if choice == "sinusoidal":
        return SinusoidalPositions(d_model)
    if choice == "none":
        return None
    raise ValueError(f"positional={choice!r} is unknown; choose sinusoidal, none or a module")
