"""Softmax attention over every prefix with one fixed query, computed as a scan."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from octavo.sequence.aaren.decay import decayed_sums
from octavo.sequence.aaren.state import AarenState, combine, finite

Method = Literal["chunked", "hillis_steele", "sequential", "naive"]
Operator = Callable[[AarenState, AarenState], AarenState]


def prefix_attention(
    scores: Float[Tensor, "*rows time"],
    values: Float[Tensor, "*rows time dim"],
    *,
    mask: Bool[Tensor, "*rows time"] | None = None,
    state: AarenState | None = None,
    method: Method = "chunked",
    chunk: int = 32,
    allow_empty: bool = False,
) -> tuple[Float[Tensor, "*rows time dim"], AarenState]:
    r"""Exact softmax attention over each prefix: ``o_k = sum_{i<=k} exp(s_i) v_i / sum_{i<=k} exp(s_i)``.

    Args:
        scores: s, the query's product with each key; any finite size, -inf for a token that is not there.
        values: v.
        mask: True where a token is there. What is masked is never read, not even when it is NaN.
        state: where an earlier call ended; the new tokens go on from there.
        method: ``chunked``, O(time x chunk) and fastest; ``hillis_steele``, the paper's parallel scan;
            ``sequential``, the recurrent cell; ``naive``, a softmax over a time x time matrix. The numbers
            are the same.
        chunk: tokens a block of ``chunked``.
        allow_empty: give zeros for a row in which no token is there, instead of refusing it.

    Shape:
        scores ``(*rows, time)``, values ``(*rows, time, dim)`` -> outputs as values, and the state
        ``(*rows)``. Half types are summed in float32. Positions before the first token that is there give
        zero.

    Raises:
        ValueError: shapes or types do not fit, or a row has no token.

    Example:
        >>> import torch
        >>> scores, values = torch.randn(2, 100), torch.randn(2, 100, 8)
        >>> out, state = prefix_attention(scores, values)
        >>> first, middle = prefix_attention(scores[:, :37], values[:, :37])
        >>> rest, end = prefix_attention(scores[:, 37:], values[:, 37:], state=middle)
        >>> torch.allclose(out, torch.cat([first, rest], dim=1), atol=1e-5)
        True

    Source: arXiv 2405.13956, section 3.
    """
    _check(scores, values, mask, state, method, chunk)
    dtype = torch.promote_types(torch.promote_types(scores.dtype, values.dtype), torch.float32)
    if state is not None:
        dtype = _state_type(state, dtype)
    if mask is not None:
        if not (allow_empty or torch.compiler.is_compiling() or _all_have_a_token(mask, state)):
            raise ValueError(
                "mask leaves a row without a token, so there is nothing to attend to; "
                "drop the row, or pass allow_empty=True to get zeros"
            )
        scores = scores.masked_fill(~mask, -torch.inf)
        values = values.masked_fill(~mask[..., None], 0.0)
    if scores.shape[-1] == 0:
        return values, _identity(values, dtype) if state is None else state
    # Inside autocast the sums would be taken in half precision.
    with torch.autocast(device_type=values.device.type, enabled=False):
        outputs, state = _METHODS[method](scores.to(dtype), values.to(dtype), state, chunk)
    return outputs.to(values.dtype), state


def hillis_steele(leaves: AarenState, operator: Operator = combine) -> AarenState:
    """States of all prefixes by a parallel scan: in round r each position takes in the one 2^r before it.

    Args:
        leaves: states along the last axis of m, one a token.
        operator: joins two states; called once a round, so ceil(log2 time) times.

    Source: arXiv 2405.13956, algorithm 1.
    """
    time, reach = leaves.m.shape[-1], 1
    while reach < time:
        earlier, later = _span(leaves, 0, time - reach), _span(leaves, reach, time)
        leaves = _join(_span(leaves, 0, reach), operator(earlier, later))
        reach *= 2
    return leaves


def _chunked(
    scores: Tensor, values: Tensor, state: AarenState | None, chunk: int
) -> tuple[Tensor, AarenState]:
    m = scores.detach().cummax(dim=-1).values
    if state is not None:
        m = torch.maximum(m, state.m[..., None])
    reference = finite(m)
    weights = (scores - reference).exp()[..., None]
    # The sum of weights rides along as one more column of the weighted sum of values.
    terms = torch.cat([values * weights, weights], dim=-1)
    # Reshaped and not flattened, for a single series has no rows.
    time, columns = terms.shape[-2:]
    sums = decayed_sums(reference.reshape(-1, time), terms.reshape(-1, time, columns), chunk).view(
        terms.shape
    )
    count = (scores > -torch.inf).sum(-1)
    if state is not None:
        start = torch.cat([state.w, state.u[..., None]], dim=-1)
        sums = torch.addcmul(sums, (state.m[..., None] - reference).exp()[..., None], start[..., None, :])
        count = count + state.length
    w, u = sums[..., :-1], sums[..., -1]
    outputs = w / torch.where(u > 0, u, 1.0)[..., None]
    return outputs, AarenState(m[..., -1], u[..., -1], w[..., -1, :], count)


def _hillis_steele(
    scores: Tensor, values: Tensor, state: AarenState | None, chunk: int
) -> tuple[Tensor, AarenState]:
    prefixes = hillis_steele(AarenState.leaf(scores, values))
    if state is not None:
        prefixes = combine(_unsqueeze(state), prefixes)
    return prefixes.output, _at(prefixes, -1)


def _sequential(
    scores: Tensor, values: Tensor, state: AarenState | None, chunk: int
) -> tuple[Tensor, AarenState]:
    leaves, outputs = AarenState.leaf(scores, values), []
    state = _identity(values, values.dtype) if state is None else state
    for position in range(scores.shape[-1]):
        state = combine(state, _at(leaves, position))
        outputs.append(state.output)
    return torch.stack(outputs, dim=-2), state


def _naive(scores: Tensor, values: Tensor, state: AarenState | None, chunk: int) -> tuple[Tensor, AarenState]:
    state = _identity(values, values.dtype) if state is None else state
    # A state is one more token: its score is m + log u, its value w / u.
    held = torch.where(state.u > 0, state.u, 1.0)
    first = torch.where(state.u > 0, state.m + held.log(), -torch.inf)
    all_scores = torch.cat([first[..., None], scores], dim=-1)
    all_values = torch.cat([state.output[..., None, :], values], dim=-2)
    size = all_scores.shape[-1]
    visible = torch.ones(size, size, dtype=torch.bool, device=scores.device).tril()
    matrix = all_scores[..., None, :].masked_fill(~visible, -torch.inf)
    nothing = (matrix == -torch.inf).all(-1, keepdim=True)
    weights = matrix.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)
    outputs = (weights @ all_values)[..., 1:, :]
    leaves = AarenState.leaf(scores, values)
    m = torch.maximum(leaves.m.amax(-1), state.m)
    fade, kept = (leaves.m - finite(m)[..., None]).exp(), (state.m - finite(m)).exp()
    u = (leaves.u * fade).sum(-1) + state.u * kept
    w = (leaves.w * fade[..., None]).sum(-2) + state.w * kept[..., None]
    return outputs, AarenState(m, u, w, state.length + leaves.length.sum(-1))


_METHODS = {
    "chunked": _chunked,
    "hillis_steele": _hillis_steele,
    "sequential": _sequential,
    "naive": _naive,
}


def _span(states: AarenState, start: int, stop: int) -> AarenState:
    m, u, w, length = states
    return AarenState(m[..., start:stop], u[..., start:stop], w[..., start:stop, :], length[..., start:stop])


def _join(a: AarenState, b: AarenState) -> AarenState:
    return AarenState(
        torch.cat([a.m, b.m], dim=-1),
        torch.cat([a.u, b.u], dim=-1),
        torch.cat([a.w, b.w], dim=-2),
        torch.cat([a.length, b.length], dim=-1),
    )


def _at(states: AarenState, position: int) -> AarenState:
    m, u, w, length = states
    return AarenState(m[..., position], u[..., position], w[..., position, :], length[..., position])


def _unsqueeze(state: AarenState) -> AarenState:
    m, u, w, length = state
    return AarenState(m[..., None], u[..., None], rearrange(w, "... dim -> ... 1 dim"), length[..., None])


def _identity(values: Tensor, dtype: torch.dtype) -> AarenState:
    return AarenState.empty(tuple(values.shape[:-2]), values.shape[-1], values.device, dtype)


def _all_have_a_token(mask: Tensor, state: AarenState | None) -> bool:
    there = mask.any(-1)
    if state is not None:
        there = there | (state.length > 0)
    return mask.shape[-1] == 0 or bool(there.all())


def _state_type(state: AarenState, dtype: torch.dtype) -> torch.dtype:
    if state.w.dtype not in (dtype, torch.float64):
        raise ValueError(
            f"state is {state.w.dtype}, the inputs are summed in {dtype}; make it of that type, or float64"
        )
    return state.w.dtype


def _check(
    scores: Tensor, values: Tensor, mask: Tensor | None, state: AarenState | None, method: str, chunk: int
) -> None:
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is unknown; choose one of {', '.join(get_args(Method))}")
    if chunk < 1:
        raise ValueError(f"chunk={chunk} must be at least 1; 32 is a good size")
    if scores.ndim < 1 or values.shape[:-1] != scores.shape:
        raise ValueError(
            f"scores of shape (*rows, time) need values (*rows, time, dim), "
            f"got {tuple(scores.shape)} and {tuple(values.shape)}"
        )
    if mask is not None and (mask.dtype != torch.bool or mask.shape != scores.shape):
        raise ValueError(
            f"mask must be bool of the scores' shape {tuple(scores.shape)} (True: the token is there), "
            f"got {mask.dtype} {tuple(mask.shape)}"
        )
    if state is None:
        return
    if state.w.shape != (*scores.shape[:-1], values.shape[-1]) or state.m.shape != scores.shape[:-1]:
        raise ValueError(
            f"state is for rows {tuple(state.m.shape)} and values of {state.w.shape[-1]}, the inputs have "
            f"rows {tuple(scores.shape[:-1])} and values of {values.shape[-1]}; make one for this batch"
        )
    if state.w.device != values.device:
        raise ValueError(
            f"state is on {state.w.device}, the inputs on {values.device}; move one to the other"
        )
