"""Causal self-attention with a cache of keys and values: the Transformer that Aaren is measured against."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from octavo.sequence.aaren.checks import check_mask, check_model_size, check_sequence, check_token


class KVCache:
    """Keys and values of the tokens seen; it grows in place, doubling its room, so a token costs O(1) to add.

    Args:
        keys: ``(batch, heads, room, dim)``, of which the first `length` are used.
        values: of the same shape.
        length: tokens held.
        valid: False where a held token is padding, ``(batch, room)``; None where there is none.
    """

    def __init__(self, keys: Tensor, values: Tensor, length: int, valid: Tensor | None = None) -> None:
        self.keys, self.values, self.length, self.valid = keys, values, length, valid
        # Shared by the caches that share the room: how much of it is written.
        self._written = [length]

    @property
    def nbytes(self) -> int:
        """Bytes of the tokens held; the room for those to come is not counted."""
        batch, heads, _, dim = self.keys.shape
        masks = 0 if self.valid is None else batch * self.length
        return 2 * batch * heads * self.length * dim * self.keys.element_size() + masks

    def extend(self, keys: Tensor, values: Tensor, valid: Tensor | None = None) -> "KVCache":
        """The cache with further tokens; this one stays as it was."""
        if valid is not None or self.valid is not None:
            return self._joined(keys, values, valid)
        if torch.is_grad_enabled() and (keys.requires_grad or self.keys.requires_grad):
            return self._joined(keys, values, None)
        length = self.length + keys.shape[2]
        room_keys, room_values, written = self.keys, self.values, self._written
        if length > room_keys.shape[2] or written[0] != self.length:
            # Full, or another branch has written here since: move to a room of one's own.
            room = max(16, 2 * length)
            room_keys = self._moved(self.keys, room)
            room_values = self._moved(self.values, room)
            written = [self.length]
        room_keys[:, :, self.length : length] = keys
        room_values[:, :, self.length : length] = values
        written[0] = length
        extended = KVCache(room_keys, room_values, length)
        extended._written = written
        return extended

    def held(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys, values and validity of the tokens held."""
        valid = None if self.valid is None else self.valid[:, : self.length]
        return self.keys[:, :, : self.length], self.values[:, :, : self.length], valid

    def select(self, rows: Tensor) -> "KVCache":
        """The cache of some rows of the batch, in this order."""
        keys, values, valid = self.held()
        kept = None if valid is None else valid.index_select(0, rows)
        return KVCache(keys.index_select(0, rows), values.index_select(0, rows), self.length, kept)

    def _joined(self, keys: Tensor, values: Tensor, valid: Tensor | None) -> "KVCache":
        old_keys, old_values, old_valid = self.held()
        batch, _, time, _ = keys.shape
        if valid is None:
            valid = torch.ones(batch, time, dtype=torch.bool, device=keys.device)
        if old_valid is None:
            old_valid = torch.ones(batch, self.length, dtype=torch.bool, device=keys.device)
        both = torch.cat([old_valid, valid], dim=1)
        return KVCache(
            torch.cat([old_keys, keys], dim=2),
            torch.cat([old_values, values], dim=2),
            self.length + time,
            both if self.valid is not None or not bool(both.all()) else None,
        )

    def _moved(self, held: Tensor, room: int) -> Tensor:
        moved = held.new_empty(*held.shape[:2], room, held.shape[3])
        moved[:, :, : self.length] = held[:, :, : self.length]
        return moved


class CausalAttention(nn.Module):
    """Multi-head causal self-attention with torch's fused kernel, and a growing cache for streaming.

    Args:
        d_model: size of a token.
        n_heads: heads, a divisor of d_model.
        bias: whether the projections have one.
        dropout: chance that an attention weight is left out.
        scale: factor of the scores; by default 1/sqrt(d_model / n_heads).

    Shape:
        ``(batch, time, d_model)`` -> the same.

    Source: arXiv 1706.03762, section 3.2.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        check_model_size(d_model, n_heads)
        self.d_model, self.n_heads, self.head_dim = d_model, n_heads, d_model // n_heads
        self.dropout, self.scale = dropout, scale
        self.in_proj = nn.Linear(d_model, 3 * d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as `nn.MultiheadAttention` does."""
        for block in self.in_proj.weight.data.chunk(3):
            nn.init.xavier_uniform_(block)
        self.out_proj.reset_parameters()
        for projection in (self.in_proj, self.out_proj):
            if projection.bias is not None:
                nn.init.zeros_(projection.bias)

    def forward(
        self,
        x: Float[Tensor, "batch time d_model"],
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
        state: KVCache | None = None,
        need_state: bool = False,
        *,
        allow_empty: bool = False,
    ) -> Float[Tensor, "batch time d_model"] | tuple[Float[Tensor, "batch time d_model"], KVCache]:
        """Outputs at all positions at once; arguments as in `Aaren.forward`."""
        check_sequence(x, self.d_model)
        check_mask(x, key_padding_mask)
        if key_padding_mask is not None:
            x = x.masked_fill(key_padding_mask[..., None], 0.0)
        queries, keys, values = self._project(x)
        valid = None if key_padding_mask is None else ~key_padding_mask
        cache = None
        if need_state or state is not None:
            start = self.init_state(x.shape[0], x.device, keys.dtype) if state is None else state
            self._check_state(x.shape[0], start)
            cache = start.extend(keys, values, valid)
            keys, values, valid = cache.held()
        visible = None
        if valid is not None or (cache is not None and state is not None and state.length > 0):
            visible = self._visible(queries.shape[2], keys.shape[2], valid, x.device)
        attended = self._attend(queries, keys, values, visible, causal=visible is None)
        y = self.out_proj(rearrange(attended, "batch heads time dim -> batch time (heads dim)"))
        return (y, cache) if cache is not None and need_state else y

    def step(
        self, x_t: Float[Tensor, "batch d_model"], state: KVCache | None = None
    ) -> tuple[Float[Tensor, "batch d_model"], KVCache]:
        """Output for one more token, at a cost that grows with what came before."""
        check_token(x_t, self.d_model)
        # One call a head's split, where `rearrange` would cost as much as the attention itself.
        projected = self.in_proj(x_t).view(-1, 3, self.n_heads, 1, self.head_dim)
        queries, keys, values = projected.unbind(1)
        if state is None:
            state = self.init_state(x_t.shape[0], x_t.device, keys.dtype)
        self._check_state(x_t.shape[0], state)
        state = state.extend(keys, values)
        keys, values, valid = state.held()
        visible = None if valid is None else valid[:, None, None]
        return self.out_proj(self._attend(queries, keys, values, visible, causal=False).flatten(1)), state

    def init_state(
        self, batch: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> KVCache:
        """The empty cache."""
        weight = self.in_proj.weight
        shape = (batch, self.n_heads, 0, self.head_dim)
        empty = torch.empty(shape, device=device or weight.device, dtype=dtype or weight.dtype)
        return KVCache(empty, empty, 0)

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        queries, keys, values = rearrange(
            self.in_proj(x),
            "batch time (three heads dim) -> three batch heads time dim",
            three=3,
            heads=self.n_heads,
        )
        return queries, keys, values

    def _attend(
        self, queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None, *, causal: bool
    ) -> Tensor:
        return F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=visible,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=causal,
            scale=self.scale,
        )

    def _visible(self, new: int, total: int, valid: Tensor | None, device: torch.device) -> Tensor:
        position = torch.arange(total, device=device)
        causal = position[None] <= position[total - new :, None]
        if valid is None:
            return causal
        # A padded token sees itself, for a row of the softmax with nothing in it is not a number.
        itself = position[None] == position[total - new :, None]
        return (causal & valid[:, None, None]) | itself

    def _check_state(self, batch: int, state: KVCache) -> None:
        if not isinstance(state, KVCache):
            raise ValueError(
                f"state must be a KVCache, got {type(state).__name__}; make one with init_state(batch)"
            )
        expected = (batch, self.n_heads, self.head_dim)
        got = (*state.keys.shape[:2], state.keys.shape[3])
        if got != expected:
            raise ValueError(
                f"state is for (batch, heads, dim) {got}, expected {expected}; make one for this batch"
            )
        weight = self.in_proj.weight
        if state.keys.device != weight.device:
            raise ValueError(
                f"state is on {state.keys.device}, the layer on {weight.device}; move one of them"
            )
