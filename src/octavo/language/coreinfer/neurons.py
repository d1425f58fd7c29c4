"""Which neurons are core: of a token, and of a sentence."""

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from octavo.language.coreinfer.selection import largest, largest_of_each

Rule = Literal["abs", "paper", "energy"]
RULES: tuple[Rule, ...] = ("abs", "paper", "energy")


def core_size(neurons: int, keep: float) -> int:
    """How many neurons a share is: rounded to a multiple of 8, at which products are fast, and at least 8.

    Raises:
        ValueError: the share is not in (0, 1].

    Example:
        >>> core_size(1536, 0.4), core_size(1536, 1.0), core_size(12, 1.0)
        (616, 1536, 12)
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep is the share of neurons that stay, in (0, 1]; got {keep}")
    return neurons if keep == 1 else min(neurons, max(8, 8 * round(keep * neurons / 8)))


def token_core(
    activations: Float[Tensor, "*batch neurons"], share: float, rule: Literal["abs", "paper"] = "abs"
) -> Bool[Tensor, "*batch neurons"]:
    """The core neurons of each token, those of equal activation by lower index.

    Args:
        activations: what goes into the block's down projection.
        share: of the neurons ("abs"), or of those with a positive activation ("paper").
        rule: "paper" takes the largest of the positive activations; "abs" the largest absolute ones, since
            in a gated block a negative activation weighs as much. A neuron at zero is never core.

    Raises:
        ValueError: the share is not in (0, 1], or there is no such rule.

    Example:
        >>> token_core(torch.tensor([3.0, -4.0, 0.0, 1.0]), 0.5, "paper")
        tensor([ True, False, False, False])
        >>> token_core(torch.tensor([3.0, -4.0, 0.0, 1.0]), 0.5, "abs")
        tensor([ True,  True, False, False])

    Paper: section 3.1, definition 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of a token's core is in (0, 1]; got {share}")
    if rule == "abs":
        return largest(activations, math.ceil(share * activations.shape[-1]), zeros=False)
    if rule == "paper":
        counts = (share * (activations > 0).sum(-1, keepdim=True).double()).ceil().long()
        return largest_of_each(activations, counts) & (activations > 0)
    raise ValueError(f"rule={rule!r} is not abs or paper")


def sentence_core(scores: Float[Tensor, "batch neurons"], size: int) -> Int[Tensor, "batch core"]:
    """The neurons of the highest scores in ascending order, those of equal score by lower index.

    Args:
        scores: the frequency among the tokens' cores, or an energy; not negative.
        size: how many.

    Example:
        >>> sentence_core(torch.tensor([[1.0, 3.0, 1.0, 2.0]]), 3)
        tensor([[0, 1, 3]])

    Paper: section 3.1, definition 2.
    """
    rows = scores.reshape(-1, scores.shape[-1])
    # As many are found in each row, and in ascending order.
    found = largest(rows, size).nonzero()[:, 1]
    return found.reshape(*scores.shape[:-1], size)


class Tally:
    """What one layer's neurons did over the tokens of each prompt, added up chunk by chunk.

    Args:
        rule: "abs" and "paper" count how often a neuron is core of a token; "energy" takes the root mean
            square of its activation times the length of what it writes.
        token_share: the share of neurons in a token's core.

    Example:
        >>> tally = Tally("abs", 0.5)
        >>> tally.add(torch.tensor([[[3.0, -4.0, 0.0, 1.0]]]), torch.tensor([[True]]))
        >>> tally.scores()
        tensor([[1., 1., 0., 0.]])
    """

    def __init__(self, rule: str = "abs", token_share: float = 0.4) -> None:
        if rule not in RULES:
            raise ValueError(f"rule={rule!r} is not one of {', '.join(RULES)}")
        if not 0 < token_share <= 1:
            raise ValueError(f"the share of a token's core is in (0, 1]; got {token_share}")
        self.rule, self.token_share = rule, token_share
        self.tokens: Int[Tensor, "batch 1"] | int = 0
        self.total: Float[Tensor, "batch neurons"] | int = 0
        self.sums: Float[Tensor, "batch neurons"] | int = 0

    def add(
        self, activations: Float[Tensor, "batch time neurons"], counted: Bool[Tensor, "batch time"]
    ) -> None:
        """Adds the tokens that count; what the others hold is never read.

        Raises:
            ValueError: an activation is not a finite number.
        """
        if not bool(counted.all()):
            activations = activations.masked_fill(~counted[..., None], 0)
        sums = activations.sum(1, dtype=torch.float32)
        if not bool(sums.isfinite().all()):
            raise ValueError("an activation is not a finite number; try another dtype or check the weights")
        self.tokens = self.tokens + counted.sum(1, keepdim=True, dtype=torch.int32)
        self.sums = self.sums + sums
        if self.rule == "energy":
            self.total = self.total + activations.float().square().sum(1)
        else:
            core = token_core(activations, self.token_share, self.rule)
            self.total = self.total + core.sum(1, dtype=torch.int32)

    def scores(
        self, down_norms: Float[Tensor, " neurons"] | None = None, *, shared: bool = False
    ) -> Float[Tensor, "rows neurons"]:
        """By what the core is chosen: counts, or energies if `down_norms` are given to the rule "energy".

        Args:
            down_norms: how much each neuron writes.
            shared: one row for all prompts together.
        """
        assert isinstance(self.total, Tensor)
        total = self.total.sum(0, keepdim=True) if shared else self.total
        if self.rule != "energy":
            return total.float()
        energy = (total / self._tokens(shared)).sqrt()
        return energy if down_norms is None else energy * down_norms

    def mean(self, *, shared: bool = False) -> Float[Tensor, "rows neurons"]:
        """The mean activation over the tokens that count."""
        assert isinstance(self.sums, Tensor)
        return (self.sums.sum(0, keepdim=True) if shared else self.sums) / self._tokens(shared)

    def _tokens(self, shared: bool) -> Tensor:
        assert isinstance(self.tokens, Tensor)
        return (self.tokens.sum(0, keepdim=True) if shared else self.tokens).clamp(min=1)
