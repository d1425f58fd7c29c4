"""How small a core may be, for a model and texts of one's own."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.clusters import CoreClusters
from octavo.language.coreinfer.continuation import Continuation, overlap, static_cores
from octavo.language.coreinfer.neurons import Rule
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.timing import milliseconds_per_token

Measured = Rule | Literal["static"]


@dataclass(frozen=True)
class Row:
    """One rule at one share.

    Args:
        rule, keep: which.
        perplexity_ratio: to the whole model's, on the continuations of the texts.
        low, high: its 95 % interval over texts.
        agreement: the share of tokens at which both think the same one likeliest.
        overlap: the share of the core that lies in the core of the continuation itself.
        milliseconds: for a token, decoding; NaN if it was not timed.
    """

    rule: str
    keep: float
    perplexity_ratio: float
    low: float
    high: float
    agreement: float
    overlap: float
    milliseconds: float


@dataclass(frozen=True)
class CoreReport:
    """What decoding with a core costs and saves, by rule and by the share of neurons kept.

    Args:
        rows: one a rule and share.
        texts: how many texts it was measured on.
        milliseconds: of a token of the whole model; NaN if it was not timed.

    Example:
        >>> row = Row("abs", 0.8, 1.05, 1.02, 1.08, 0.93, 0.8, 50.0)
        >>> CoreReport((row,), 20, 60.0).recommend(max_ppl_ratio=1.1)
        0.8
        >>> CoreReport((row,), 20, 60.0).recommend(max_ppl_ratio=1.01)
        1.0
    """

    rows: tuple[Row, ...]
    texts: int
    milliseconds: float = math.nan

    @classmethod
    def measure(
        cls,
        model: nn.Module,
        tokenizer: Any,
        texts: Sequence[str],
        keeps: Sequence[float] = (0.2, 0.4, 0.6, 0.8, 1.0),
        rules: Sequence[Measured] = ("abs",),
        *,
        layers: Literal["auto", "all"] | Iterable[int] = "auto",
        token_share: float = 0.4,
        mean_fill: bool = True,
        clusters: CoreClusters | None = None,
        prompt: int = 192,
        continuation: int = 64,
        timed: bool = True,
    ) -> "CoreReport":
        """Measures rules and shares on texts, each cut into a prompt and its continuation.

        Args:
            model, tokenizer: a causal language model of transformers.
            texts: of the kind that will be generated; those too short to be cut are passed over.
            keeps: shares of neurons.
            rules: of `CoreInfer`; "static" needs clusters.
            layers, token_share, mean_fill, clusters: as in `CoreInfer`.
            prompt, continuation: tokens of each.
            timed: decode some tokens at each share, too.

        Raises:
            ValueError: no text is long enough.
        """
        if not keeps or not rules:
            raise ValueError("there is nothing to measure: give keeps and rules")
        blocks = blocks_of(model, layers)
        whole = [
            torch.tensor(tokenizer(text, add_special_tokens=False, verbose=False).input_ids) for text in texts
        ]
        long = [ids[: prompt + continuation + 1] for ids in whole if len(ids) > prompt + continuation]
        if not long:
            longest = max((len(ids) for ids in whole), default=0)
            raise ValueError(
                f"no text has {prompt + continuation + 1} tokens, the longest has {longest}; give longer "
                "ones, or a shorter prompt= and continuation="
            )
        own: list[Rule] = [rule for rule in rules if rule != "static"]
        found: dict[tuple[str, float], list[tuple[float, float, float]]] = {}
        device = next(model.parameters()).device
        for ids in long:
            text = Continuation(model, blocks, ids.to(device), prompt, own or ("abs",), token_share)
            dense = text.score()
            for keep in keeps:
                best = text.hindsight(keep, token_share)
                for rule in rules:
                    if rule == "static":
                        if clusters is None:
                            raise ValueError('rule "static" needs clusters=fit_clusters(...)')
                        cores, means = static_cores(clusters, blocks, keep)
                    else:
                        cores, means = text.cores(rule, keep), text.means()
                    slices = Slices(blocks, cores, means if mean_fill else None)
                    scored = text.score(slices.installed())
                    found.setdefault((rule, keep), []).append(
                        (
                            float((scored.nats - dense.nats).mean()),
                            float(scored.agrees(dense).float().mean()),
                            overlap(cores, best),
                        )
                    )
        speed = milliseconds_per_token(model, blocks, (1.0, *keeps)) if timed else {}
        rows = [_row(rule, keep, values, speed.get(keep, math.nan)) for (rule, keep), values in found.items()]
        return cls(tuple(rows), len(long), speed.get(1.0, math.nan))

    def recommend(self, max_ppl_ratio: float = 1.1) -> float:
        """The smallest share whose perplexity ratio stays within a limit by some rule, or 1.

        Args:
            max_ppl_ratio: the limit, which the upper end of the interval must meet.
        """
        return min((row.keep for row in self.rows if row.high <= max_ppl_ratio), default=1.0)

    def __str__(self) -> str:
        lines = [
            f"{'rule':>8} {'keep':>5} {'ppl ratio':>22} {'same token':>10} {'overlap':>8} {'ms/token':>9}"
        ]
        for row in self.rows:
            ratio = f"{row.perplexity_ratio:.3f} [{row.low:.3f}, {row.high:.3f}]"
            lines.append(
                f"{row.rule:>8} {row.keep:>5.2f} {ratio:>22} {row.agreement:>10.2f} {row.overlap:>8.2f} "
                f"{row.milliseconds:>9.1f}"
            )
        lines.append(f"{self.texts} texts; the whole model takes {self.milliseconds:.1f} ms a token")
        return "\n".join(lines)


def _row(rule: str, keep: float, values: Sequence[tuple[float, float, float]], milliseconds: float) -> Row:
    from scipy.stats import t

    nats, agreement, common = torch.tensor(values, dtype=torch.float64).unbind(1)
    mean, half = float(nats.mean()), math.inf
    if len(nats) > 1:
        half = float(t.ppf(0.975, len(nats) - 1) * nats.std() / math.sqrt(len(nats)))
    low, high = (math.exp(min(mean + side * half, 700.0)) for side in (-1, 1))
    return Row(
        rule, keep, math.exp(mean), low, high, float(agreement.mean()), float(common.mean()), milliseconds
    )
