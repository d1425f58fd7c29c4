"""The end-to-end memory network of the paper's second experiment."""

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional


class MemN2N(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    r"""Answers a question about a story by looking into its sentences several times over.

    Each sentence x_i is a memory m_i and an output c_i, sums of its words' vectors under a position encoding
    l, with a vector for how long ago it was said. From the question's u^1, hop k does

        p = softmax(u^k . m_i),   o = sum_i p_i c_i,   u^{k+1} = u^k + o,

    and the answer is softmax(W u). Embeddings are tied from hop to hop: A^{k+1} = C^k, B = A^1, W = C^K.

    Args:
        vocabulary: words, of which number 0 is the padding.
        hops: looks into the memory.
        width: size of a vector.
        memory: most sentences of a story; the oldest of a longer one are forgotten.
        words: most words of a sentence or question.

    Shape:
        story ``(batch, sentences, words)``, question ``(batch, words)``, both padded with 0 behind their end
        -> logits ``(batch, vocabulary)``.

    Raises:
        ValueError: a size is below 1, or sentences have more words than `words`.

    Example:
        >>> model = MemN2N(vocabulary=20, memory=10, words=6)
        >>> story, question = torch.randint(1, 20, (2, 10, 6)), torch.randint(1, 20, (2, 6))
        >>> model(story, question).shape
        torch.Size([2, 20])

    Differs from the original: empty places of the memory are left out of the softmax. The position encoding
    is that of the authors' code, twice the paper's formula: with the smaller one the third task was hardly
    learned.
    Source: arXiv 1503.08895, sections 2 and 4.1; the experiment is arXiv 1511.06807, section 4.2.
    """

    def __init__(
        self, vocabulary: int, *, hops: int = 3, width: int = 20, memory: int = 50, words: int = 8
    ) -> None:
        super().__init__()
        sizes = {"vocabulary": vocabulary, "hops": hops, "width": width, "memory": memory, "words": words}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1; the original has 3 hops of width 20")
        self.hops, self.memory, self.words = hops, memory, words
        # A^1, C^1 = A^2, ..., C^K: one more than hops.
        self.embeddings = nn.ParameterList(
            nn.Parameter(0.1 * torch.randn(vocabulary, width)) for _ in range(hops + 1)
        )
        self.ages = nn.ParameterList(nn.Parameter(0.1 * torch.randn(memory, width)) for _ in range(hops + 1))

    def forward(
        self,
        story: Int[Tensor, "batch sentences words"],
        question: Int[Tensor, "batch asked"],
        linear: bool = False,
    ) -> Float[Tensor, "batch vocabulary"]:
        """Logits of the answer.

        Args:
            story: sentences in the order in which they were said; an empty one between them counts as time
                that went by.
            question: its words.
            linear: without the softmax over memories, as in the original's warm start.
        """
        longest = max(story.shape[-1], question.shape[-1])
        if longest > self.words:
            raise ValueError(
                f"sentences have {longest} words and the model was made for {self.words}; "
                "make it with a larger words="
            )
        present, age = self._recent(story)
        told, asked = self._bags(story), self._bags(question)
        # Every embedding reads the story once: it gives a hop's outputs and the next one's memories.
        read = [
            told @ self._encoders(embedding) + ages[age]
            for embedding, ages in zip(self.embeddings, self.ages, strict=True)
        ]
        state = asked @ self._encoders(self.embeddings[0])
        for hop in range(self.hops):
            memories, outputs = read[hop], read[hop + 1]
            scores = (memories * state[:, None]).sum(-1)
            if linear:
                weights = scores * present
            else:
                weights = scores.masked_fill(~present, torch.finfo(scores.dtype).min).softmax(-1)
            state = state + (weights[..., None] * outputs).sum(1)
        return state @ self.embeddings[self.hops].mT

    def _recent(
        self, story: Int[Tensor, "batch sentences words"]
    ) -> tuple[Bool[Tensor, "batch sentences"], Int[Tensor, "batch sentences"]]:
        """Which sentences exist and are new enough, and how many places each lies before the last one."""
        present = (story != 0).any(-1)
        places = torch.arange(story.shape[1], device=story.device)
        age = ((present * places).amax(-1, keepdim=True) - places).clamp_min(0)
        # What is too old stays where it is and is masked, so that stories of any length share a shape.
        present = present & (age < self.memory)
        return present, age.clamp_max(self.memory - 1)

    def _bags(self, words: Int[Tensor, "*any words"]) -> Float[Tensor, "*any two_vocabularies"]:
        """How much of each word a sentence has, under the two factors that the position encoding is made of.

        With l_kj = a_j - (k / d) b_j, of `position_encoding`, the sum over words is one matrix product, many
        times faster to train than a look-up of each word's vector.
        """
        embedding = self.embeddings[0]
        j = torch.arange(1, words.shape[-1] + 1, dtype=embedding.dtype, device=words.device) / self.words
        j = j[:, None]
        one_hot = functional.one_hot(words, embedding.shape[0]).to(embedding.dtype)
        one_hot = one_hot * (words != 0)[..., None]
        return 2 * torch.cat([((1 - j) * one_hot).sum(-2), ((1 - 2 * j) * one_hot).sum(-2)], -1)

    def _encoders(
        self, embedding: Float[Tensor, "vocabulary width"]
    ) -> Float[Tensor, "two_vocabularies width"]:
        """What the two bags are multiplied by."""
        width = embedding.shape[-1]
        k = torch.arange(1, width + 1, dtype=embedding.dtype, device=embedding.device) / width
        return torch.cat([embedding, -k * embedding])


def position_encoding(
    words: int,
    width: int,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "words width"]:
    """l_kj = 2 ((1 - j / J) - (k / d)(1 - 2 j / J)), which tells a bag of words their order.

    The paper has no factor of 2, which the authors' code has: it makes 1 the mean of the weights.

    Args:
        words: J, with j from 1.
        width: d, with k from 1.
        dtype: of the result.
        device: of the result.

    Example:
        >>> position_encoding(2, 2)
        tensor([[1., 1.],
                [1., 2.]])
    """
    j = torch.arange(1, words + 1, dtype=dtype, device=device)[:, None] / words
    k = torch.arange(1, width + 1, dtype=dtype, device=device)[None] / width
    return 2 * ((1 - j) - k * (1 - 2 * j))
