"""Multi-query associative recall: pairs of a key and a value, then keys whose values are asked for.

The task that a query fixed before the stream begins cannot be made for: which pair will matter is only
known once it is too late to read it again.
"""

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn


def recall_batch(
    batch: int, pairs: int, questions: int, symbols: int, generator: torch.Generator
) -> tuple[Int[Tensor, "batch time two"], Int[Tensor, "batch questions"]]:
    """Draws sequences of pairs and questions.

    Args:
        batch: how many.
        pairs: pairs of a key and a value, no key twice.
        questions: keys of these pairs that are asked for afterwards.
        symbols: how many keys, and how many values, there are.
        generator: of everything.

    Returns:
        Tokens of a key and a value, where a question has the value ``symbols``; and the wanted values.

    Raises:
        ValueError: more pairs than keys.

    Example:
        >>> tokens, answers = recall_batch(2, 4, 3, 8, torch.Generator().manual_seed(0))
        >>> tokens.shape, answers.shape
        (torch.Size([2, 7, 2]), torch.Size([2, 3]))
    """
    if pairs > symbols:
        raise ValueError(
            f"pairs={pairs} need as many different keys, got symbols={symbols}; use more symbols"
        )
    keys = torch.rand(batch, symbols, generator=generator).argsort(-1)[:, :pairs]
    values = torch.randint(symbols, (batch, pairs), generator=generator)
    asked = torch.randint(pairs, (batch, questions), generator=generator)
    shown = torch.stack([keys, values], dim=-1)
    query = torch.stack([keys.gather(1, asked), torch.full_like(asked, symbols)], dim=-1)
    return torch.cat([shown, query], dim=1), values.gather(1, asked)


class Recaller(nn.Module):
    """Reads pairs and answers questions with an encoder in between.

    Args:
        encoder: a causal encoder of ``(batch, time, width)``.
        width: its size.
        symbols: how many keys, and how many values, there are.

    Shape:
        tokens ``(batch, time, 2)``  ->  logits over values ``(batch, time, symbols)``.
    """

    def __init__(self, encoder: nn.Module, width: int, symbols: int) -> None:
        super().__init__()
        self.keys = nn.Embedding(symbols, width)
        self.values = nn.Embedding(symbols + 1, width)
        self.encoder = encoder
        self.head = nn.Linear(width, symbols)

    def forward(self, tokens: Int[Tensor, "batch time two"]) -> Float[Tensor, "batch time symbols"]:
        """Logits of the value behind each token."""
        hidden = self.encoder(self.keys(tokens[..., 0]) + self.values(tokens[..., 1]))
        return self.head(hidden[0] if isinstance(hidden, tuple) else hidden)

    def loss(
        self, tokens: Int[Tensor, "batch time two"], answers: Int[Tensor, "batch questions"]
    ) -> Float[Tensor, ""]:
        """Cross entropy of the answers to the questions, which are the last tokens."""
        logits = self(tokens)[:, -answers.shape[1] :]
        return nn.functional.cross_entropy(
            rearrange(logits, "batch time symbols -> batch symbols time"), answers
        )
