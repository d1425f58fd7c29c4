"""The distribution of the next event: a mixture of log-normals for the gap, a choice for the mark."""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor


class NextEvent(NamedTuple):
    """Distribution of gap and mark of the next event, independent of each other.

    Args:
        mix_logits: weights of the mixture, before softmax.
        loc: means of the logarithm of the gap.
        scale: standard deviations of the logarithm of the gap.
        mark_logits: of the marks.
    """

    mix_logits: Float[Tensor, "*rows mix"]
    loc: Float[Tensor, "*rows mix"]
    scale: Float[Tensor, "*rows mix"]
    mark_logits: Float[Tensor, "*rows marks"]

    def __getitem__(self, rows: object) -> "NextEvent":  # type: ignore[override]
        """Some of the rows."""
        return NextEvent(*(part[rows] for part in tuple(self)))  # type: ignore[index]

    @property
    def mean_gap(self) -> Float[Tensor, "*rows"]:
        """Expected gap."""
        return (self.mix_logits.log_softmax(-1) + self.loc + self.scale.square() / 2).exp().sum(-1)

    @property
    def median_gap(self) -> Float[Tensor, "*rows"]:
        """The gap that is as likely too long as too short: it bears outliers better than the mean."""
        low = (self.loc - 10 * self.scale).amin(-1)
        high = (self.loc + 10 * self.scale).amax(-1)
        # Each halving is a bit of the answer; single precision has 24.
        for _ in range(30):
            middle = (low + high) / 2
            below = self._log_cdf_at_log(middle) < -0.6931471805599453
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return middle.exp()

    def log_prob(
        self, gaps: Float[Tensor, "*rows"], marks: Int[Tensor, "*rows"]
    ) -> tuple[Float[Tensor, "*rows"], Float[Tensor, "*rows"]]:
        """Log densities of a gap and of a mark.

        Args:
            gaps: positive times.
            marks: whole numbers.
        """
        log_gaps = gaps.log()[..., None]
        squared = ((log_gaps - self.loc) / self.scale).square()
        normal = -0.5 * squared - self.scale.log() - 0.9189385332046727  # log sqrt(2 pi)
        # d(log t)/dt = 1/t
        time = (self.mix_logits.log_softmax(-1) + normal).logsumexp(-1) - log_gaps[..., 0]
        mark = self.mark_logits.log_softmax(-1).gather(-1, marks[..., None])[..., 0]
        return time, mark

    def sample(
        self, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "*rows"], Int[Tensor, "*rows"]]:
        """Draw a gap and a mark for each row.

        Args:
            generator: of the random numbers.
        """
        component = _draw(self.mix_logits, generator)
        loc = self.loc.gather(-1, component[..., None])[..., 0]
        scale = self.scale.gather(-1, component[..., None])[..., 0]
        noise = torch.randn(loc.shape, generator=generator, device=loc.device, dtype=loc.dtype)
        return (loc + scale * noise).exp(), _draw(self.mark_logits, generator)

    def _log_cdf_at_log(self, log_gap: Tensor) -> Tensor:
        below = torch.special.log_ndtr((log_gap[..., None] - self.loc) / self.scale)
        return (self.mix_logits.log_softmax(-1) + below).logsumexp(-1)


def _draw(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    rows = rearrange(logits.softmax(-1), "... choices -> (...) choices")
    return torch.multinomial(rows, 1, generator=generator).view(logits.shape[:-1])
