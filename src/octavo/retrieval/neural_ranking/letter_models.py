"""DSSM and CDSSM: representation-focused, from the letter trigrams of the words."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.pooling import masked_max
from octavo.retrieval.neural_ranking.ranker import TwoTowers
from octavo.retrieval.neural_ranking.text import Vocabulary


class LetterRanker(TwoTowers):
    """Two towers over letter trigrams, whose outputs are compared by their cosine.

    The score is gamma times the cosine, so that a softmax over documents is the paper's smoothed one.

    Args:
        trigrams: ids of each word's letter trigrams, from 1; 0 where there is none.
        number: of different trigrams, for the models that are read again.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.
    """

    trigrams: Tensor

    def __init__(
        self,
        trigrams: Int[Tensor, "words trigrams"],
        number: int,
        vocabulary: Vocabulary | None,
    ) -> None:
        super().__init__({"trigrams": trigrams}, vocabulary)
        self._options["number"] = number
        self.register_buffer("trigrams", trigrams.long().clone())
        self.gamma = nn.Parameter(torch.tensor(10.0))

    def compare(
        self, asked: Float[Tensor, "*queries out"], told: Float[Tensor, "*docs out"]
    ) -> Float[Tensor, "..."]:
        """gamma times the cosine."""
        return self.gamma * F.cosine_similarity(asked, told, dim=-1)


class DSSM(LetterRanker):
    """Makes a vector of each text from counts of its letter trigrams, and compares by the cosine.

    Args:
        trigrams: of each word, as `Vocabulary.letter_trigrams` gives them.
        number: of different trigrams; counted by default.
        hidden: size of the two inner layers.
        out: size of a text's vector.
        tied: one tower for both texts, as the survey draws it; else one for each.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> DSSM(torch.tensor([[0], [1], [2]]), hidden=8)(torch.tensor([[1]]), torch.tensor([[1, 2]])).shape
        torch.Size([1])

    Paper: Huang et al. 2013; arXiv 1903.06902, section 4.1 (symmetric, representation-focused).
    """

    def __init__(
        self,
        trigrams: Int[Tensor, "words trigrams"],
        number: int = 0,
        hidden: int = 300,
        out: int = 128,
        tied: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        number = number or int(trigrams.max()) + 1
        super().__init__(trigrams, number, vocabulary)
        sides = 1 if tied else 2
        self.counts = nn.ModuleList(nn.Embedding(number, hidden) for _ in range(sides))
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, out), nn.Tanh())
            for _ in range(sides)
        )
        for weight in self.counts.parameters():
            nn.init.normal_(weight, std=hidden**-0.5)

    def texts(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"], side: int
    ) -> Float[Tensor, "batch out"]:
        """The vector of a text: its counts of trigrams through three layers."""
        found = rearrange(self.trigrams[ids], "b n trigrams -> b (n trigrams)")
        there = (found != 0) & mask.repeat_interleave(self.trigrams.shape[1], dim=1)
        weight = list(self.counts.parameters())[-1 if side else 0]
        # Counts times a matrix is the sum of its rows; tanh needs them at a scale that length does not set.
        total = F.embedding_bag(found, weight, mode="sum", per_sample_weights=there.to(weight.dtype))
        length = there.sum(1, keepdim=True).clamp_min(1).to(weight.dtype)
        vector: Tensor = self.towers[-1 if side else 0](total * length.rsqrt())
        return vector


class CDSSM(LetterRanker):
    """As DSSM, but windows of three words are convolved before the strongest of them are kept.

    Args:
        trigrams: of each word, as `Vocabulary.letter_trigrams` gives them.
        number: of different trigrams; counted by default.
        hidden: maps of the convolution.
        out: size of a text's vector.
        tied: one tower for both texts; else one for each.
        vocabulary: from words to ids.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Example:
        >>> CDSSM(torch.tensor([[0], [1], [2]]), hidden=8)(torch.tensor([[1]]), torch.tensor([[1, 2]])).shape
        torch.Size([1])

    Paper: Shen et al. 2014; arXiv 1903.06902, section 4.1 (representation-focused).
    """

    def __init__(
        self,
        trigrams: Int[Tensor, "words trigrams"],
        number: int = 0,
        hidden: int = 300,
        out: int = 128,
        tied: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        number = number or int(trigrams.max()) + 1
        super().__init__(trigrams, number, vocabulary)
        sides = 1 if tied else 2
        # A window's counts times a matrix is the sum of three words, each with a third of the matrix.
        self.counts = nn.ModuleList(nn.Embedding(number, 3 * hidden) for _ in range(sides))
        self.towers = nn.ModuleList(nn.Linear(hidden, out) for _ in range(sides))
        for weight in self.counts.parameters():
            nn.init.normal_(weight, std=hidden**-0.5)

    def texts(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"], side: int
    ) -> Float[Tensor, "batch out"]:
        """The vector of a text: the strongest of its windows, through a layer."""
        found = self.trigrams[ids].flatten(0, 1)
        there = (found != 0) & mask.flatten()[:, None]
        weight = list(self.counts.parameters())[-1 if side else 0]
        words = F.embedding_bag(found, weight, mode="sum", per_sample_weights=there.to(weight.dtype))
        thirds = rearrange(words, "(b n) (three hidden) -> three b hidden n", b=len(ids), three=3)
        windows = thirds[0] + F.pad(thirds[1], (0, 1))[..., 1:] + F.pad(thirds[2], (0, 2))[..., 2:]
        vector: Tensor = self.towers[-1 if side else 0](masked_max(windows.tanh(), mask))
        return vector.tanh()
