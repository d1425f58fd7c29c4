"""The state of prefix attention: what is left of a prefix, and the operator that joins two neighbours."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class AarenState(NamedTuple):
    r"""All that exact softmax attention over a prefix needs to go on: a maximum, a sum, a weighted sum.

    For scores ``s`` and values ``v`` of the tokens seen so far::

        m = max s_i        u = sum exp(s_i - m)        w = sum exp(s_i - m) v_i

    so the attention output of the prefix is ``w / u``. The state of no token is the identity of `combine`:
    ``m = -inf, u = 0, w = 0``. (The paper starts at ``m = 0``, where scores below -104 underflow to 0/0.)

    Args:
        m: largest score. Only the reference point of u and w: it carries no gradient.
        u: sum of weights.
        w: weighted sum of values.
        length: how many tokens are in the state, masked ones not counted.

    Source: arXiv 2405.13956, section 3.2.
    """

    m: Float[Tensor, "..."]
    u: Float[Tensor, "..."]
    w: Float[Tensor, "... dim"]
    length: Int[Tensor, "..."]

    @property
    def output(self) -> Float[Tensor, "... dim"]:
        """Attention over the prefix; zero where it holds no token."""
        return self.w / torch.where(self.u > 0, self.u, 1.0)[..., None]

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return sum(part.nbytes for part in self)

    @classmethod
    def empty(
        cls,
        shape: tuple[int, ...],
        dim: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> "AarenState":
        """The state of no token, in at least single precision.

        Args:
            shape: leading shape, such as (batch, heads).
            dim: size of a value.
            device: where it lives.
            dtype: half types are raised to float32; float64 keeps streams of many millions of tokens exact.
        """
        dtype = torch.promote_types(dtype, torch.float32)
        zeros = torch.zeros(shape, device=device, dtype=dtype)
        return cls(
            m=torch.full_like(zeros, -torch.inf),
            u=zeros,
            w=zeros.new_zeros((*shape, dim)),
            length=torch.zeros(shape, device=device, dtype=torch.int64),
        )

    @classmethod
    def leaf(cls, scores: Float[Tensor, "..."], values: Float[Tensor, "... dim"]) -> "AarenState":
        """The state of single tokens; a score of -inf is a token that is not there."""
        m = scores.detach()
        # u is 1, and the gradient of the score flows through it: whatever m is, the output is the same.
        u = (scores - finite(m)).exp()
        return cls(m=m, u=u, w=u[..., None] * values, length=(m > -torch.inf).long())

    def extend(self, scores: Float[Tensor, "..."], values: Float[Tensor, "... dim"]) -> "AarenState":
        """The state after one more token: `combine` with its leaf, for a score that is a number.

        Args:
            scores: of the token, finite.
            values: of the token.
        """
        m = torch.maximum(self.m, scores.detach())
        decay, weight = (self.m - m).exp(), (scores - m).exp()
        return AarenState(
            m=m,
            u=torch.addcmul(weight, self.u, decay),
            w=torch.addcmul(self.w * decay[..., None], weight[..., None], values),
            length=self.length + 1,
        )

    def select(self, rows: Int[Tensor, " rows"]) -> "AarenState":
        """The states of some rows of the batch, in this order (beams that live on, say)."""
        return AarenState(*(part.index_select(0, rows) for part in self))


def combine(a: AarenState, b: AarenState) -> AarenState:
    r"""The state of two stretches of tokens, from the state of each: associative, with an identity.

    ``m = max(m_a, m_b)``, ``u = u_a e^{m_a - m} + u_b e^{m_b - m}``, ``w = w_a e^{m_a - m} + w_b e^{m_b -
    m}``.

    Args:
        a: state of the one stretch.
        b: state of the other; shapes broadcast.

    Example:
        >>> import torch
        >>> a, b = (AarenState.leaf(torch.tensor(score), torch.tensor([1.0, score])) for score in (0.0, 2.0))
        >>> combine(a, b).output
        tensor([1.0000, 1.7616])

    Source: arXiv 2405.13956, section 3.2 and appendix B.
    """
    m = torch.maximum(a.m, b.m)
    reference = finite(m)
    decay_a, decay_b = (a.m - reference).exp(), (b.m - reference).exp()
    return AarenState(
        m=m,
        u=a.u * decay_a + b.u * decay_b,
        w=a.w * decay_a[..., None] + b.w * decay_b[..., None],
        length=a.length + b.length,
    )


def finite(m: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The reference point to subtract: -inf - (-inf) is not a number, -inf - (lowest) is -inf."""
    return m.clamp_min(torch.finfo(m.dtype).min)
