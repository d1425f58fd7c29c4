"""Nested losses for the trainer of sentence-transformers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from octavo.embedding.matryoshka.dims import sorted_pairs, truncate
from octavo.errors import Missing

try:
    from sentence_transformers.base.losses import column_merging_disabled, uses_gradient_cache
except ImportError as error:
    raise Missing(
        "sentence-transformers", "Install its latest version: `pip install 'octavo[embedding]'`."
    ) from error

Features = Iterable[Mapping[str, Any]]


def embed(model: nn.Module, sentence_features: Features) -> list[Tensor]:
    """The embeddings of each column of texts, the encoder run once a column.

    Args:
        model: a `SentenceTransformer`.
        sentence_features: a batch of tokens for each column, as the trainer gives them.
    """
    return [model(dict(features))["sentence_embedding"] for features in sentence_features]


class EmbeddingLoss(nn.Module):
    """A loss of embeddings, given the columns of a sentence-transformers training set.

    Args:
        model: the `SentenceTransformer` that is trained.
        objective: a function of one tensor a column: `MatryoshkaRankingLoss`, `MatryoshkaObjective`.
        labels: whether the label column is left alone, passed by the name `labels`, or taken as target
            embeddings by position.

    Shape:
        columns of tokens, as the trainer makes them  ->  a scalar.

    Example:
        >>> from octavo.embedding import MatryoshkaRankingLoss
        >>> from octavo.embedding.matryoshka.sentence_loss import EmbeddingLoss
        >>> loss = EmbeddingLoss(nn.Identity(), MatryoshkaRankingLoss([8, 16]))
        >>> anchors, positives = ({"sentence_embedding": torch.randn(4, 16)} for _ in range(2))
        >>> loss([anchors, positives]).shape
        torch.Size([])
    """

    def __init__(
        self,
        model: nn.Module,
        objective: nn.Module,
        labels: Literal["ignore", "pass", "embeddings"] = "ignore",
    ) -> None:
        super().__init__()
        if labels not in ("ignore", "pass", "embeddings"):
            raise ValueError(f"labels={labels!r} must be 'ignore', 'pass' or 'embeddings'")
        self.model = model
        self.objective = objective
        self.labels = labels

    def forward(self, sentence_features: Features, labels: Tensor | None = None) -> Tensor:
        """The loss of one batch."""
        embeddings = embed(self.model, sentence_features)
        if self.labels == "embeddings" and labels is not None:
            embeddings.append(labels)
        named = {"labels": labels} if self.labels == "pass" else {}
        loss = self.objective(*embeddings, **named)
        assert isinstance(loss, Tensor)
        return loss


class SentenceMatryoshkaLoss(nn.Module):
    """Nests any loss of sentence-transformers: takes the arguments of its `MatryoshkaLoss`, and its place.

    The encoder runs once a batch; then the loss sees, for each size, a model that hands it the cut
    embeddings. Losses that cache gradients have theirs carried through the cut of each size. The
    same as around `MultipleNegativesRankingLoss` comes faster from `EmbeddingLoss` with
    `MatryoshkaRankingLoss`.

    Args:
        model: the `SentenceTransformer` that is trained.
        loss: the loss that is nested, made with the same model.
        matryoshka_dims: the nesting list, in any order. Leave the whole size in.
        matryoshka_weights: c_m, one a size in that order; all 1 unless given.
        n_dims_per_step: while training, draw this many of the sizes each step; -1 takes all.

    Shape:
        columns of tokens and labels, as the trainer makes them  ->  a scalar. Prefixes are normalised; label
        tensors as wide as the embedding are targets of a distillation, and are cut as well.

    Raises:
        ValueError: the sizes are no nesting list of the model's embedding, or weights do not fit them.

    Example:
        >>> loss = SentenceMatryoshkaLoss(model, losses.CoSENTLoss(model), [384, 192, 96])  # doctest: +SKIP
        >>> SentenceTransformerTrainer(model, args, dataset, loss=loss).train()  # doctest: +SKIP

    Source: arXiv 2205.13147, section 3, equation 1.
    """

    def __init__(
        self,
        model: Any,
        loss: nn.Module,
        matryoshka_dims: Sequence[int],
        matryoshka_weights: Sequence[float] | None = None,
        n_dims_per_step: int = -1,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        width = model.get_embedding_dimension()
        self.dims, self.weights = sorted_pairs(matryoshka_dims, matryoshka_weights, width)
        if n_dims_per_step != -1 and not 1 <= n_dims_per_step <= len(self.dims):
            raise ValueError(
                f"n_dims_per_step={n_dims_per_step} must be -1 or between 1 and {len(self.dims)}"
            )
        self.n_dims_per_step = n_dims_per_step
        self.width = width
        self.caches_gradients = bool(uses_gradient_cache(loss))
        if self.caches_gradients:
            whole: Any = loss.calculate_loss

            def nested(reps: list[list[Tensor]], *args: Any, **options: Any) -> Tensor:
                return self._cached(whole, reps, args, options)

            nesting: Any = loss
            nesting.calculate_loss = nested

    def forward(self, sentence_features: Features, labels: Tensor | None = None) -> Tensor:
        """The loss of one batch, summed over sizes."""
        if self.caches_gradients:
            return self._value(sentence_features, labels)
        columns = [dict(features) for features in sentence_features]
        embeddings = embed(self.model, columns)
        terms = []
        for dim, weight in self._drawn():
            cut = [truncate(each, dim) for each in embeddings]
            terms.append(weight * self._replayed(columns, cut, self._target(labels, dim)))
        return torch.stack(terms).sum()

    def get_config_dict(self) -> dict[str, Any]:
        """What the trainer writes into the model's card."""
        return {
            "loss": type(self.loss).__name__,
            "matryoshka_dims": self.dims,
            "matryoshka_weights": self.weights,
            "n_dims_per_step": self.n_dims_per_step,
        }

    def _value(self, sentence_features: Features, labels: Tensor | None) -> Tensor:
        value = self.loss(sentence_features, labels)
        assert isinstance(value, Tensor)
        return value

    def _target(self, labels: Tensor | None, dim: int) -> Tensor | None:
        embeddings = isinstance(labels, Tensor) and labels.ndim in (2, 3) and labels.shape[-1] == self.width
        return labels[..., :dim] if embeddings and labels is not None else labels

    def _drawn(self) -> list[tuple[int, float]]:
        pairs = list(zip(self.dims, self.weights, strict=True))
        if not self.training or self.n_dims_per_step == -1:
            return pairs
        return [pairs[place] for place in sorted(torch.randperm(len(pairs))[: self.n_dims_per_step].tolist())]

    def _replayed(self, columns: list[dict[str, Any]], cut: list[Tensor], labels: Tensor | None) -> Tensor:
        """The loss as it is, while the model answers with the cut embeddings in the order it is asked."""
        answers = iter([{**c, "sentence_embedding": z} for c, z in zip(columns, cut, strict=True)])
        # A loss calls the model that it holds; there is no other place to hand it an embedding.
        self.model.forward = lambda *_, **__: next(answers)
        try:
            with column_merging_disabled():
                return self._value(columns, labels)
        finally:
            del self.model.forward

    def _cached(self, whole: Any, reps: list[list[Tensor]], args: Any, options: Any) -> Tensor:
        """Value and gradients of a loss that caches them, at all sizes: both have the weight."""
        total: Any = 0.0
        for dim, weight in self._drawn():
            cut = [[truncate(piece, dim) for piece in column] for column in reps]
            if not torch.is_grad_enabled():
                total = total + weight * whole(cut, *args, **options)
                continue
            leaves = [[piece.detach().requires_grad_() for piece in column] for column in cut]
            total = total + weight * whole(leaves, *args, **options).detach()
            for column, leaf_column in zip(cut, leaves, strict=True):
                for piece, leaf in zip(column, leaf_column, strict=True):
                    assert leaf.grad is not None
                    piece.backward(weight * leaf.grad)
        assert isinstance(total, Tensor)
        return total
