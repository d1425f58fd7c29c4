"""Aaren: causal attention with one learned query, trained in parallel and fed one token at a time."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from octavo.sequence.aaren.checks import check_mask, check_model_size, check_sequence, check_token
from octavo.sequence.aaren.scan import Method, prefix_attention
from octavo.sequence.aaren.state import AarenState


class Aaren(nn.Module):
    r"""Causal self-attention that needs no cache: its query is a learned token, the same at every position.

    For heads of size e, with ``q = W_q query``, ``k_i = W_k x_i`` and ``v_i = W_v x_i``::

        y_k = W_o sum_{i<=k} exp(q.k_i / sqrt(e)) v_i / sum_{i<=k} exp(q.k_i / sqrt(e))

    As the query does not depend on k, all outputs come from one scan, and a prefix is remembered by three
    small tensors. The price is that a token cannot choose what to look at: use a Transformer where it must
    (recall by content). The layer does not see order; give tokens a positional encoding, or use
    `AarenEncoder`.

    Args:
        d_model: size of a token.
        n_heads: heads, a divisor of d_model.
        bias: whether the four projections have one.
        dropout: chance that a token's value is left out of all later outputs of a head. (A Transformer draws
            again for each pair of positions, which no scan can.)
        scale: factor of the scores; by default 1/sqrt(d_model / n_heads), as in a Transformer.
        method: how prefixes are computed, see `prefix_attention`.

    Shape:
        ``(batch, time, d_model)`` -> the same.

    Example:
        >>> import torch
        >>> layer = Aaren(d_model=16, n_heads=2)
        >>> x = torch.randn(3, 10, 16)
        >>> y, state = layer(x[:, :9], need_state=True)
        >>> last, state = layer.step(x[:, 9], state)
        >>> torch.allclose(last, layer(x)[:, 9], atol=1e-5), state.nbytes
        (True, 288)

    Differs from the paper: scores are scaled as in the Transformer the layer replaces, and an empty prefix
    starts at a maximum of -inf rather than 0. Source: arXiv 2405.13956, section 3.3.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        scale: float | None = None,
        method: Method = "chunked",
    ) -> None:
        super().__init__()
        check_model_size(d_model, n_heads)
        self.d_model, self.n_heads, self.head_dim = d_model, n_heads, d_model // n_heads
        self.scale = self.head_dim**-0.5 if scale is None else scale
        self.method: Method = method
        self.query = nn.Parameter(torch.empty(d_model))
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        # Keys and values in one product: a step is a handful of small calls, and each one counts.
        self.kv_proj = nn.Linear(d_model, 2 * d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as `nn.MultiheadAttention` does; the query is drawn like a normalised token."""
        nn.init.normal_(self.query)
        for block in (self.q_proj.weight, *self.kv_proj.weight.data.chunk(2)):
            nn.init.xavier_uniform_(block)
        self.out_proj.reset_parameters()
        for projection in (self.q_proj, self.kv_proj, self.out_proj):
            if projection.bias is not None:
                nn.init.zeros_(projection.bias)

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"d_model={self.d_model}, n_heads={self.n_heads}, method={self.method!r}"

    def forward(
        self,
        x: Float[Tensor, "batch time d_model"],
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
        state: AarenState | None = None,
        need_state: bool = False,
        *,
        allow_empty: bool = False,
    ) -> Float[Tensor, "batch time d_model"] | tuple[Float[Tensor, "batch time d_model"], AarenState]:
        """Outputs at all positions at once.

        Args:
            x: tokens.
            key_padding_mask: True where there is padding, as in torch; it is never read.
            state: where an earlier call ended.
            need_state: also return the state after the last token.
            allow_empty: let rows pass that are all padding.

        Raises:
            ValueError: shapes, types or the state do not fit, or a row is all padding.
        """
        check_sequence(x, self.d_model)
        check_mask(x, key_padding_mask)
        if state is not None:
            self._check_state(x.shape[0], state)
        mask = None
        if key_padding_mask is not None:
            # Zero times NaN is NaN, so padding is cleared and not just given no weight.
            x = x.masked_fill(key_padding_mask[..., None], 0.0)
            mask = rearrange(~key_padding_mask, "batch time -> batch 1 time").expand(-1, self.n_heads, -1)
        scores, values = self._scores_and_values(x)
        scores = rearrange(scores, "batch time heads -> batch heads time")
        values = rearrange(values, "batch time (heads dim) -> batch heads time dim", heads=self.n_heads)
        if self.training and self.dropout.p > 0:
            values = values * self.dropout(torch.ones_like(scores))[..., None]
        context, state = prefix_attention(
            scores,
            values,
            mask=mask,
            state=state,
            method=self.method,
            allow_empty=allow_empty,
        )
        y = self.out_proj(rearrange(context, "batch heads time dim -> batch time (heads dim)"))
        return (y, state) if need_state else y

    def step(
        self, x_t: Float[Tensor, "batch d_model"], state: AarenState | None = None
    ) -> tuple[Float[Tensor, "batch d_model"], AarenState]:
        """Output for one more token: as `forward` gives, at a cost that does not depend on what came before.

        Args:
            x_t: the token.
            state: of the tokens before it; None at the start.

        Raises:
            ValueError: the state is of another batch, another layer or another type.
        """
        check_token(x_t, self.d_model)
        if state is None:
            state = self.init_state(x_t.shape[0], x_t.device, x_t.dtype)
        self._check_state(x_t.shape[0], state)
        # For a single token, keys are cheaper than folding the query into their projection.
        keys, values = self.kv_proj(x_t).view(-1, 2, self.n_heads, self.head_dim).unbind(1)
        scores = (keys * self._heads_of_query()).sum(-1)
        state = state.extend(scores.to(state.w.dtype), values.to(state.w.dtype))
        # The sum is at least 1 after a token, so nothing guards the division as `state.output` must.
        context = state.w / state.u[..., None]
        return self.out_proj(context.flatten(-2).to(x_t.dtype)), state

    def init_state(
        self, batch: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> AarenState:
        """The state before the first token.

        Args:
            batch: rows.
            device: by default the weights'.
            dtype: by default the weights', at least float32. Ask for float64 if a stream is to run for many
                millions of tokens: in float32 a sum stops growing at about 2^24 equal terms.
        """
        weight = self.query
        device, dtype = device or weight.device, dtype or weight.dtype
        return AarenState.empty((batch, self.n_heads), self.head_dim, device, dtype)

    def _heads_of_query(self) -> Tensor:
        return self.q_proj(self.query).view(self.n_heads, self.head_dim) * self.scale

    def _scores_and_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # q . (W_k x + b) = (W_k^T q) . x + q . b: with one query no key is ever formed,
        # and scores are a few more columns beside the values.
        query = self._heads_of_query()[:, None]
        to_keys, to_values = self.kv_proj.weight.chunk(2)
        to_scores = (query @ to_keys.view(self.n_heads, self.head_dim, self.d_model))[:, 0]
        weight = torch.cat([to_scores, to_values.to(to_scores.dtype)])
        bias = None
        if self.kv_proj.bias is not None:
            of_keys, of_values = self.kv_proj.bias.chunk(2)
            of_scores = (query @ of_keys.view(self.n_heads, self.head_dim, 1))[:, 0, 0]
            bias = torch.cat([of_scores, of_values.to(of_scores.dtype)])
        scores, values = F.linear(x, weight, bias).split([self.n_heads, self.d_model], dim=-1)
        return scores, values

    def _check_state(self, batch: int, state: AarenState) -> None:
        expected = (batch, self.n_heads, self.head_dim)
        if not isinstance(state, AarenState) or tuple(state.w.shape) != expected:
            got = tuple(state.w.shape) if isinstance(state, AarenState) else type(state).__name__
            raise ValueError(
                f"state must be an AarenState of (batch, heads, dim) {expected}, got {got}; "
                "make one with init_state(batch)"
            )
        if state.w.device != self.query.device:
            raise ValueError(
                f"state is on {state.w.device}, the layer on {self.query.device}; move one of them"
            )
        wanted = torch.promote_types(self.query.dtype, torch.float32)
        if state.w.dtype not in (wanted, torch.float64):
            raise ValueError(
                f"state is {state.w.dtype}, expected {wanted} or float64; see init_state(dtype=...)"
            )
