"""The language-model head as a reader of vectors: which tokens does a vector of the residual stream say?"""

from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from octavo.interpretability.lm_head_neurons.feed_forward import final_norm, gain, head_weight

Score = Literal["cosine", "logit", "softmax", "centred"]
SCORES: tuple[Score, ...] = ("cosine", "logit", "softmax", "centred")


class HeadReader(nn.Module):
    r"""Scores every token of the vocabulary against vectors of the residual stream.

    With head rows :math:`w_t` and a vector u, scaled by a gain g where one is given:

        logit :math:`\langle g u, w_t \rangle`, softmax of the logits over t, cosine :math:`\cos(g u, w_t)`,
        centred :math:`\cos(g u, w_t - \bar w)`

    Args:
        weight: the head, a row a token; shared, not copied.
        score: which of the four. Cosine is the one whose size can be compared between neurons.
        ids: the tokens that are read; all of them when left out.
        gain: multiplies every vector first, such as the gain of the final normalisation.

    Shape:
        vectors ``(*batch, dim)`` -> scores ``(*batch, tokens)``, in the order of `ids`.

    Raises:
        ValueError: the head or the gain has another shape, or a weight is not a finite number.

    Example:
        >>> reader = HeadReader(torch.eye(3), score="cosine")
        >>> reader(torch.tensor([0.0, 2.0, 0.0]))
        tensor([0., 1., 0.])

    Paper: arXiv 2501.02688; the paper's own reading is the softmax.
    """

    weight: Float[Tensor, "vocabulary dim"]
    ids: Int[Tensor, " tokens"]
    gain: Float[Tensor, " dim"] | None
    mean: Float[Tensor, " dim"] | None

    def __init__(
        self,
        weight: Float[Tensor, "vocabulary dim"],
        *,
        score: Score = "cosine",
        ids: Int[Tensor, " tokens"] | None = None,
        gain: Float[Tensor, " _"] | None = None,
    ) -> None:
        super().__init__()
        check_score(score)
        if weight.ndim != 2 or not weight.is_floating_point():
            raise ValueError(
                f"the head is a matrix of numbers with a row a token, got shape {tuple(weight.shape)}"
            )
        if not weight.sum().isfinite() and not weight.isfinite().all():
            bad = int((~weight.isfinite()).any(dim=1).nonzero()[0])
            raise ValueError(f"token {bad} of the head has a weight that is not a finite number")
        if gain is not None and gain.shape != weight.shape[1:]:
            raise ValueError(
                f"the gain has shape {tuple(gain.shape)}, the head's vectors {tuple(weight.shape[1:])}"
            )
        if ids is None:
            ids = torch.arange(len(weight), device=weight.device)
        if not len(ids):
            raise ValueError("no token is left to be read; give at least one id")
        self.score: Score = score
        self.register_buffer("weight", weight.detach())
        self.register_buffer("ids", ids)
        self.register_buffer("gain", None if gain is None else gain.detach().to(weight.dtype))
        mean = weight.detach()[ids].to(self.accurate).mean(0).to(weight.dtype) if score == "centred" else None
        self.register_buffer("mean", mean)

    @classmethod
    def of_model(
        cls,
        model: nn.Module,
        tokenizer: Any = None,
        *,
        score: Score = "cosine",
        final_gain: bool = False,
        special: bool = False,
    ) -> "HeadReader":
        """The reader of a causal language model.

        Args:
            model: with a head.
            tokenizer: tells which rows of the head are tokens, and which tokens are special.
            score: as of the reader.
            final_gain: multiply vectors by the gain of the final normalisation, as the model does.
            special: whether special tokens are read too.
        """
        weight = head_weight(model)
        ids = token_ids(len(weight), tokenizer, special=special).to(weight.device)
        scale = gain(final_norm(model), weight) if final_gain else None
        return cls(weight, score=score, ids=ids, gain=scale)

    @property
    def accurate(self) -> torch.dtype:
        """The dtype of final scores: float32, or that of the head where it is wider."""
        return torch.promote_types(self.weight.dtype, torch.float32)

    @property
    def normalises(self) -> bool:
        """Whether lengths are divided out."""
        return self.score in ("cosine", "centred")

    def directions(self, vectors: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """The vectors as they meet the tokens: scaled by the gain, of length one for a cosine."""
        if vectors.shape[-1] != self.weight.shape[1]:
            raise ValueError(
                f"the vectors have {vectors.shape[-1]} coordinates, the head reads {self.weight.shape[1]}; "
                "were they taken from another model, or is the matrix the wrong way round?"
            )
        scaled = vectors if self.gain is None else vectors * self.gain.to(vectors.dtype)
        return functional.normalize(scaled, dim=-1) if self.normalises else scaled

    def tokens(self, start: int = 0, stop: int | None = None) -> Float[Tensor, "some dim"]:
        """The head's rows of some of the tokens as they meet the vectors.

        Args:
            start, stop: places in `ids`.
        """
        rows = self.weight[self.ids[start:stop]]
        if self.mean is not None:
            rows = rows - self.mean
        return functional.normalize(rows, dim=-1) if self.normalises else rows

    def forward(self, vectors: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch tokens"]:
        """Scores of all tokens; the whole matrix is held, so for many vectors use `scan`."""
        scores = self.directions(vectors) @ self.tokens().to(vectors.dtype).mT
        return scores.softmax(dim=-1) if self.score == "softmax" else scores


def check_score(score: str) -> None:
    """Refuses a score that there is not.

    Raises:
        ValueError: it is none of the four.
    """
    if score not in SCORES:
        raise ValueError(f"score={score!r} is not one of {', '.join(SCORES)}")


def token_ids(rows: int, tokenizer: Any = None, *, special: bool = False) -> Int[Tensor, " tokens"]:
    """The ids that are tokens: a head is often padded beyond its tokenizer, and special tokens say nothing.

    Args:
        rows: of the head.
        tokenizer: of Hugging Face; without one all rows count.
        special: keep special tokens.

    Raises:
        ValueError: the tokenizer has more tokens than the head has rows.

    Example:
        >>> token_ids(3)
        tensor([0, 1, 2])
    """
    if tokenizer is None:
        return torch.arange(rows)
    known = len(tokenizer)
    if known > rows:
        raise ValueError(
            f"the tokenizer has {known} tokens and the head {rows} rows; they belong to different models, "
            "or the embeddings were not resized after tokens were added"
        )
    keep = torch.ones(known, dtype=torch.bool)
    if not special:
        added = getattr(tokenizer, "added_tokens_decoder", {})
        dropped = {*tokenizer.all_special_ids, *(number for number, token in added.items() if token.special)}
        keep[[number for number in dropped if number < known]] = False
    return keep.nonzero()[:, 0]
