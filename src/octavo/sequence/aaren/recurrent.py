"""LSTM and GRU in the place of attention: the recurrent networks of old, behind the same three methods."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from octavo.sequence.aaren.checks import check_mask, check_sequence, check_token


class RecurrentState(NamedTuple):
    """What a recurrent network carries on.

    Args:
        hidden: its output of the last token.
        cell: the memory of an LSTM; empty for a GRU.
    """

    hidden: Float[Tensor, "batch d_model"]
    cell: Float[Tensor, "batch size"]

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return self.hidden.nbytes + self.cell.nbytes

    def select(self, rows: Tensor) -> "RecurrentState":
        """The states of some rows of the batch, in this order."""
        return RecurrentState(self.hidden.index_select(0, rows), self.cell.index_select(0, rows))


class Recurrent(nn.Module):
    """One layer of `nn.LSTM` or `nn.GRU` that skips padding wherever it stands.

    Args:
        d_model: size of a token and of the hidden state.
        kind: which of the two.

    Shape:
        ``(batch, time, d_model)`` -> the same.
    """

    def __init__(self, d_model: int, kind: Literal["lstm", "gru"]) -> None:
        super().__init__()
        self.d_model, self.kind = d_model, kind
        network = nn.LSTM if kind == "lstm" else nn.GRU
        self.network = network(d_model, d_model, batch_first=True)

    def forward(
        self,
        x: Float[Tensor, "batch time d_model"],
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
        state: RecurrentState | None = None,
        need_state: bool = False,
        *,
        allow_empty: bool = False,
    ) -> Float[Tensor, "batch time d_model"] | tuple[Float[Tensor, "batch time d_model"], RecurrentState]:
        """Outputs at all positions, one after the other; arguments as in `Aaren.forward`."""
        check_sequence(x, self.d_model)
        check_mask(x, key_padding_mask)
        start = self.init_state(x.shape[0], x.device, x.dtype) if state is None else state
        self._check_state(x.shape[0], start)
        if x.shape[1] == 0:
            return (x, start) if need_state else x
        if key_padding_mask is None:
            y, end = self._run(x, start)
        else:
            y, end = self._run_padded(
                x.masked_fill(key_padding_mask[..., None], 0.0), key_padding_mask, start
            )
        return (y, end) if need_state else y

    def step(
        self, x_t: Float[Tensor, "batch d_model"], state: RecurrentState | None = None
    ) -> tuple[Float[Tensor, "batch d_model"], RecurrentState]:
        """Output for one more token."""
        check_token(x_t, self.d_model)
        if state is None:
            state = self.init_state(x_t.shape[0], x_t.device, x_t.dtype)
        self._check_state(x_t.shape[0], state)
        y, state = self._run(x_t[:, None], state)
        return y[:, 0], state

    def init_state(
        self, batch: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> RecurrentState:
        """Zeros."""
        weight = next(self.network.parameters())
        hidden = torch.zeros(batch, self.d_model, device=device or weight.device, dtype=dtype or weight.dtype)
        return RecurrentState(hidden, hidden if self.kind == "lstm" else hidden[:, :0])

    def _run(self, x: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        if self.kind == "lstm":
            y, (hidden, cell) = self.network(x, (state.hidden[None], state.cell[None].contiguous()))
            return y, RecurrentState(hidden[0], cell[0])
        y, hidden = self.network(x, state.hidden[None])
        return y, RecurrentState(hidden[0], state.cell)

    def _run_padded(self, x: Tensor, padding: Tensor, start: RecurrentState) -> tuple[Tensor, RecurrentState]:
        # Tokens to the left, padding to the right, and back again.
        order = padding.long().argsort(dim=1, stable=True)
        lengths = (~padding).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            _gather(x, order), lengths.clamp_min(1).cpu(), batch_first=True, enforce_sorted=False
        )
        y_packed, end = self._run_packed(packed, start)
        y, _ = nn.utils.rnn.pad_packed_sequence(y_packed, batch_first=True, total_length=x.shape[1])
        y = torch.where(padding[..., None], 0.0, _gather(y, order.argsort(dim=1)))
        empty = (lengths == 0)[:, None]
        return y, RecurrentState(
            torch.where(empty, start.hidden, end.hidden), torch.where(empty, start.cell, end.cell)
        )

    def _run_packed(
        self, packed: nn.utils.rnn.PackedSequence, start: RecurrentState
    ) -> tuple[nn.utils.rnn.PackedSequence, RecurrentState]:
        if self.kind == "lstm":
            y, (hidden, cell) = self.network(packed, (start.hidden[None], start.cell[None].contiguous()))
            return y, RecurrentState(hidden[0], cell[0])
        y, hidden = self.network(packed, start.hidden[None])
        return y, RecurrentState(hidden[0], start.cell)

    def _check_state(self, batch: int, state: RecurrentState) -> None:
        if not isinstance(state, RecurrentState) or tuple(state.hidden.shape) != (batch, self.d_model):
            got = tuple(state.hidden.shape) if isinstance(state, RecurrentState) else type(state).__name__
            raise ValueError(
                f"state must be a RecurrentState of {(batch, self.d_model)}, got {got}; "
                "make one with init_state(batch)"
            )


def _gather(x: Tensor, order: Tensor) -> Tensor:
    return x.gather(1, order[..., None].expand_as(x))
