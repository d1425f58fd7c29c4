"""The modern ends of both axes: a bi-encoder of representations, a cross-encoder of interactions."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from octavo.errors import Missing
from octavo.retrieval.neural_ranking.losses import LOSSES
from octavo.retrieval.neural_ranking.ranker import TextRanker

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


class BiEncoder(TextRanker):
    """Encodes query and document by themselves with a sentence-transformers model; the score is the cosine.

    Args:
        model: a `SentenceTransformer`, or the name or the folder of one.
        batch_size: texts at once.

    Shape:
        None: texts go in.

    Example:
        >>> BiEncoder().rank("heat", ["a slender wing", "warmth in a slab"])[0][0]  # doctest: +SKIP
        1
    """

    def __init__(self, model: Any = MINILM, batch_size: int = 64) -> None:
        super().__init__()
        self.encoder, self.batch_size = sentence_transformer(model), batch_size

    def encode(self, texts: Sequence[str]) -> Float[Tensor, "texts size"]:
        """Vectors of length one."""
        vectors = self.encoder.encode(
            list(texts), batch_size=self.batch_size, show_progress_bar=False, convert_to_tensor=True
        )
        return F.normalize(torch.as_tensor(vectors).float(), dim=-1)

    def scores(self, query: str, docs: Sequence[str]) -> Float[Tensor, " docs"]:
        """Cosines with the query."""
        found = self.encode([query, *docs])
        return (found[1:] @ found[0]).cpu()


class CrossEncoder(TextRanker):
    """Reads query and document together, `query [SEP] document`, with a transformer and one linear layer.

    Documents are read in order of their length, so that batches hold little padding.

    Args:
        model: a `SentenceTransformer` whose transformer is used, or the name or the folder of one. Its
            weights are trained further, and are shared with what was given.
        length: tokens of a pair.
        batch_size: pairs at once.
        seed: of the new layer.

    Shape:
        None: texts go in.

    Example:
        >>> CrossEncoder().rank("heat", ["a slender wing", "warmth in a slab"])  # doctest: +SKIP
        [(1, 0.1), (0, -0.2)]
    """

    def __init__(self, model: Any = MINILM, length: int = 256, batch_size: int = 32, seed: int = 0) -> None:
        super().__init__()
        first = sentence_transformer(model)[0]
        self.transformer: nn.Module = first.auto_model if hasattr(first, "auto_model") else first.model
        self.tokenizer: Any = first.tokenizer
        self.length, self.batch_size = length, batch_size
        size = int(self.transformer.config.hidden_size)
        self.linear = nn.Linear(size, 1)
        nn.init.normal_(self.linear.weight, std=0.02, generator=torch.Generator().manual_seed(seed))
        nn.init.zeros_(self.linear.bias)

    def pair_scores(self, queries: Sequence[str], docs: Sequence[str]) -> Float[Tensor, " pairs"]:
        """The score of each query with the document beside it, with gradients."""
        tokens = self.tokenizer(
            list(queries),
            list(docs),
            padding=True,
            truncation="longest_first",
            max_length=self.length,
            return_tensors="pt",
        ).to(self.linear.weight.device)
        states = self.transformer(**tokens).last_hidden_state
        mask = tokens["attention_mask"][..., None].to(states.dtype)
        # MiniLM was trained to say a text by the mean of its states.
        mean = (states * mask).sum(1) / mask.sum(1)
        return self.linear(mean).squeeze(-1)

    def scores(self, query: str, docs: Sequence[str], sort: bool = True) -> Float[Tensor, " docs"]:
        """The score of each document for a query.

        Args:
            query: what is asked.
            docs: the candidates.
            sort: read them by length.
        """
        order = sorted(range(len(docs)), key=lambda place: -len(docs[place])) if sort else range(len(docs))
        found = torch.empty(len(docs))
        self.eval()
        with torch.no_grad():
            for start in range(0, len(docs), self.batch_size):
                some = list(order)[start : start + self.batch_size]
                found[some] = self.pair_scores([query] * len(some), [docs[place] for place in some]).cpu()
        return found

    def fit(
        self,
        lists: Callable[[int], tuple[Sequence[str], Sequence[Sequence[str]], Float[Tensor, "lists docs"]]],
        steps: int,
        loss: str = "listnet",
        learning_rate: float = 2e-5,
    ) -> list[float]:
        """Fine-tune on lists of documents.

        Args:
            lists: from a step to queries, documents of each, and their gains.
            steps: of AdamW.
            loss: a name of `LOSSES`.
            learning_rate: falls to zero over the steps.

        Returns:
            The loss of each step.
        """
        optimizer = torch.optim.AdamW(self.parameters(), lr=learning_rate, weight_decay=0.01)
        losses = []
        self.train()
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * (1 - step / steps)
            queries, docs, gains = lists(step)
            flat = [text for each in docs for text in each]
            asked = [query for query, each in zip(queries, docs, strict=True) for _ in each]
            gains = gains.to(self.linear.weight.device)
            scores = self.pair_scores(asked, flat).reshape(gains.shape)
            value = LOSSES[loss](scores, gains, torch.ones_like(gains, dtype=torch.bool))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            optimizer.step()
            losses.append(float(value))
        self.eval()
        return losses


def sentence_transformer(model: Any) -> Any:
    """The model itself, or one by its name.

    Args:
        model: a `SentenceTransformer`, or the name or the folder of one.

    Raises:
        Missing: sentence-transformers is not installed, or no model of this name can be found.
    """
    if not isinstance(model, str):
        return model
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise Missing("sentence-transformers", "Install it: `pip install 'octavo[embedding]'`.") from error
    try:
        return SentenceTransformer(model)
    except OSError as error:
        raise Missing(model, f"It was neither found here nor on the hub ({error}).") from error
