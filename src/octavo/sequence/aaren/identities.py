"""The identities of the paper, as largest differences over random instances."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from octavo.sequence.aaren.attention import Aaren
from octavo.sequence.aaren.scan import hillis_steele, prefix_attention
from octavo.sequence.aaren.state import AarenState, combine

BLOCKS = (1, 7, 64)


class Streams(Protocol):
    """What takes in one token at a time."""

    def init_state(self, batch: int) -> Any:
        """The state of no token."""

    def step(self, token: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The output for one more token, and the new state."""


def softmax_attention(scores: Float[Tensor, "*rows time"], values: Float[Tensor, "*rows time dim"]) -> Tensor:
    """What every way must give: one softmax over all tokens, in float64."""
    return einsum(scores.double().softmax(-1), values.double(), "... time, ... time dim -> ... dim")


def instances(number: int, dtype: torch.dtype, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Scores and values of random shapes; every other instance has scores in the thousands.

    Args:
        number: how many.
        dtype: of both.
        generator: of shapes and numbers.
    """
    for index in range(number):
        rows, time, dim = (int(torch.randint(1, top, (), generator=generator)) for top in (5, 300, 17))
        scores = torch.randn(rows, time, generator=generator, dtype=torch.float64)
        values = torch.randn(rows, time, dim, generator=generator, dtype=torch.float64)
        yield (scores * (1e3 if index % 2 else 1.0)).to(dtype), values.to(dtype)


def token_by_token(scores: Tensor, values: Tensor) -> Tensor:
    """The last output of the recurrent cell."""
    return prefix_attention(scores, values, method="sequential")[0][..., -1, :]


def all_at_once(scores: Tensor, values: Tensor) -> Tensor:
    """The last output of the form that trains."""
    return prefix_attention(scores, values)[0][..., -1, :]


def block_by_block(scores: Tensor, values: Tensor, block: int) -> Tensor:
    """The last output when tokens arrive in blocks and only the state is kept between them."""
    state = None
    for start in range(0, scores.shape[-1], block):
        stop = start + block
        out, state = prefix_attention(scores[..., start:stop], values[..., start:stop, :], state=state)
    return out[..., -1, :]


def unrescaled(scores: Tensor, values: Tensor) -> Tensor:
    """The control: sums of plain exponentials, without the running maximum."""
    weights = scores.exp()
    return einsum(weights, values, "... time, ... time dim -> ... dim") / weights.sum(-1, keepdim=True)


def many_to_one_errors(number: int, dtype: torch.dtype, generator: torch.Generator) -> dict[str, list[float]]:
    """The largest difference from softmax of each way and instance; infinite where a result is not finite.

    Args:
        number: instances.
        dtype: precision of the ways; the softmax is in float64.
        generator: of the instances.
    """
    ways: dict[str, Callable[[Tensor, Tensor], list[Tensor]]] = {
        "sequential": lambda scores, values: [token_by_token(scores, values)],
        "blocks": lambda scores, values: [
            block_by_block(scores, values, block) for block in (*BLOCKS, scores.shape[-1])
        ],
        "parallel": lambda scores, values: [all_at_once(scores, values)],
        "no_rescaling": lambda scores, values: [unrescaled(scores, values)],
    }
    errors: dict[str, list[float]] = {way: [] for way in ways}
    for scores, values in instances(number, dtype, generator):
        expected = softmax_attention(scores, values)
        for way, compute in ways.items():
            errors[way].append(max(difference(found, expected) for found in compute(scores, values)))
    return errors


def query_of_the_newest_token(number: int, generator: torch.Generator) -> dict[str, list[float]]:
    """Differences between causal self-attention, row by row, and the cell with that row's query.

    Args:
        number: instances.
        generator: of the instances.

    Returns:
        For the cell, and for the control that keeps the first token's query, a difference an instance.
    """
    errors: dict[str, list[float]] = {"cell": [], "fixed_query": []}
    for _ in range(number):
        time, dim = (int(torch.randint(2, top, (), generator=generator)) for top in (65, 17))
        queries, keys, values = torch.randn(3, 1, time, dim, generator=generator, dtype=torch.float64)
        expected = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)[0]
        scores = einsum(queries[0], keys[0], "row dim, time dim -> row time") / dim**0.5
        for system, of_row in (("cell", scores), ("fixed_query", scores[:1].expand_as(scores))):
            repeated = values.expand(time, time, dim)
            outputs, _ = prefix_attention(of_row, repeated, method="sequential")
            rows = torch.arange(time)
            errors[system].append(difference(outputs[rows, rows], expected))
    return errors


def scan_errors(
    lengths: tuple[int, ...], generator: torch.Generator
) -> tuple[list[float], list[float], list[float]]:
    """The parallel scan against softmax at every prefix.

    Args:
        lengths: how many tokens.
        generator: of scores and values.

    Returns:
        For each length: the scan's largest difference, that of the recurrent cell, and the scan's rounds.
    """
    parallel, recurrent, rounds = [], [], []
    for length in lengths:
        scores = 3 * torch.randn(2, length, generator=generator, dtype=torch.float64)
        values = torch.randn(2, length, 8, generator=generator, dtype=torch.float64)
        expected = prefix_attention(scores, values, method="naive")[0]
        calls: list[int] = []

        def counted(a: AarenState, b: AarenState, calls: list[int] = calls) -> AarenState:
            calls.append(1)
            return combine(a, b)

        parallel.append(difference(hillis_steele(AarenState.leaf(scores, values), counted).output, expected))
        recurrent.append(difference(prefix_attention(scores, values, method="sequential")[0], expected))
        rounds.append(float(len(calls)))
    return parallel, recurrent, rounds


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest absolute difference; infinite where something is not finite."""
    if not bool(found.isfinite().all()):
        return float("inf")
    return float((found.double() - expected.double()).abs().max())


def step_by_step(module: Streams, tokens: Float[Tensor, "batch time dim"]) -> Tensor:
    """The outputs of a module with `step`, fed one token at a time.

    Args:
        module: has ``init_state(batch)`` and ``step(token, state)``.
        tokens: what it is fed.
    """
    state = module.init_state(tokens.shape[0])
    outputs = []
    for token in rearrange(tokens, "batch time dim -> time batch dim"):
        output, state = module.step(token, state)
        outputs.append(output)
    return torch.stack(outputs, dim=1)


def prefix_weights(
    mixer: Aaren, tokens: Float[Tensor, "batch time dim"]
) -> Float[Tensor, "batch heads time time"]:
    """The weight of each token in the output of each prefix.

    Args:
        mixer: the layer.
        tokens: what it reads.
    """
    queries, keys = mixer.q_proj(mixer.query), mixer.kv_proj(tokens)[..., : mixer.d_model]
    scores = mixer.scale * einsum(
        rearrange(queries, "(heads dim) -> heads dim", heads=mixer.n_heads),
        rearrange(keys, "batch time (heads dim) -> batch heads time dim", heads=mixer.n_heads),
        "heads dim, batch heads time dim -> batch heads time",
    )
    time = scores.shape[-1]
    rows = scores[..., None, :].expand(*scores.shape[:-1], time, time)
    hidden = torch.ones(time, time, dtype=torch.bool, device=tokens.device).triu(1)
    return rows.masked_fill(hidden, -torch.inf).softmax(-1)
