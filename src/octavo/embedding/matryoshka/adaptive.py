"""Classification that looks at few dimensions first, and at more where it is not sure."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from octavo.embedding.matryoshka.dims import checked_dims
from octavo.embedding.matryoshka.heads import MatryoshkaLinear

GRID = np.linspace(0.1, 1, 100)
"""The thresholds that are tried, as in the official notebook."""


class Prediction(NamedTuple):
    """Classes, and how many dimensions each took.

    Args:
        labels: the class of each item.
        dims_used: the size at which it was decided.
    """

    labels: Int[np.ndarray, " n"]
    dims_used: Int[np.ndarray, " n"]


class AdaptiveClassifier:
    """Climbs from the smallest size until the largest softmax value passes the threshold of that size.

    Args:
        head: scores of every size: a `MatryoshkaLinear`, or any function of embeddings and a size.
        dims: the nesting list; that of the head unless given.

    Raises:
        ValueError: dims is not given, and the head has none; or fewer than two sizes.

    Example:
        >>> head = MatryoshkaLinear([2, 4], num_classes=3)
        >>> classifier = AdaptiveClassifier(head)
        >>> z, y = torch.randn(50, 4), torch.arange(50) % 3
        >>> with torch.no_grad():
        ...     thresholds = classifier.calibrate(head(z), y)
        >>> labels, dims_used = classifier.predict(z)
        >>> set(dims_used.tolist()) <= {2, 4}
        True

    Source: arXiv 2205.13147, section 4.2.1 and its appendix; `Model_Cascades.ipynb` of the official code.
    """

    def __init__(
        self,
        head: MatryoshkaLinear | Callable[[Tensor, int], Tensor],
        dims: Sequence[int] | None = None,
    ) -> None:
        given = getattr(head, "dims", None) if dims is None else dims
        if given is None:
            raise ValueError("dims is needed, since the head has none")
        self.dims = checked_dims(given)
        if len(self.dims) < 2:
            raise ValueError(f"dims={self.dims} leaves nothing to climb; give two sizes or more")
        self.head = head
        self.thresholds: Float[np.ndarray, " sizes"] | None = None

    def calibrate(
        self, logits_list: Sequence[Any], y: Any, grid: Float[np.ndarray, " steps"] = GRID
    ) -> Float[np.ndarray, " sizes"]:
        """Choose the thresholds on held-out items.

        For each size and the next one, the lowest threshold that makes the two together most accurate.

        Args:
            logits_list: scores ``(n, C)`` of each size, on items that nothing was trained on.
            y: their classes, ``(n,)``.
            grid: the thresholds that are tried, in rising order.

        Returns:
            One threshold for each size but the largest; kept in `thresholds`.

        Raises:
            ValueError: the number of score arrays is not that of sizes, there is no item, lengths differ, a
                score is not finite, or classes are no numbers.
        """
        probabilities = [softmax(scores) for scores in logits_list]
        if len(probabilities) != len(self.dims):
            raise ValueError(f"scores of {len(self.dims)} sizes are needed, got {len(probabilities)}")
        classes = y.cpu() if isinstance(y, Tensor) else y
        self.thresholds = greedy_thresholds(probabilities, classes, grid)
        return self.thresholds

    @torch.no_grad()
    def predict(self, z: Any, largest: int | None = None) -> Prediction:
        """Classes of embeddings, with the size at which each was decided; larger sizes are not computed.

        Args:
            z: embeddings ``(n, d)``, a tensor or an array.
            largest: climb no further than this size, and decide there.

        Raises:
            ValueError: no thresholds were calibrated, or `largest` is none of the sizes.
        """
        if self.thresholds is None:
            raise ValueError("the thresholds are not calibrated; call calibrate with held-out scores first")
        largest = self.dims[-1] if largest is None else largest
        if largest not in self.dims:
            raise ValueError(f"largest={largest} must be one of the sizes {self.dims}")
        embeddings = torch.as_tensor(z)
        labels = np.zeros(len(embeddings), dtype=np.int64)
        used = np.full(len(embeddings), largest, dtype=np.int64)
        open_rows = np.arange(len(embeddings))
        for place, dim in enumerate(self.dims):
            if not len(open_rows):
                break
            scores = self._scores(embeddings[torch.from_numpy(open_rows)], dim)
            probabilities = softmax(scores)
            labels[open_rows] = probabilities.argmax(axis=1)
            if dim == largest:
                break
            sure = probabilities.max(axis=1) > self.thresholds[place]
            used[open_rows[sure]] = dim
            open_rows = open_rows[~sure]
        return Prediction(labels, used)

    def _scores(self, z: Tensor, dim: int) -> Tensor:
        if isinstance(self.head, MatryoshkaLinear):
            return self.head.logits(z.to(self.head.weight.device), dim)
        return self.head(z, dim)


def softmax(scores: Any) -> Float[np.ndarray, "n classes"]:
    """Class probabilities in float64, of a tensor or an array."""
    return torch.as_tensor(scores).detach().double().softmax(dim=-1).cpu().numpy()


def greedy_thresholds(
    probabilities: Sequence[Float[np.ndarray, "n classes"]], y: Any, grid: Float[np.ndarray, " steps"] = GRID
) -> Float[np.ndarray, " sizes"]:
    """For each size and the next, the lowest threshold at which the two together are most accurate.

    Args:
        probabilities: of each size in rising order.
        y: classes.
        grid: the thresholds that are tried, in rising order.

    Raises:
        ValueError: there is no item, lengths differ, a score is not finite, or classes are no numbers.
    """
    classes = np.asarray(y)
    if any(np.ndim(each) != 2 or not np.isfinite(each).all() for each in probabilities):
        shapes = [np.shape(each) for each in probabilities]
        raise ValueError(f"finite scores (items, classes) are needed of each size, got shapes {shapes}")
    if not np.issubdtype(classes.dtype, np.number):
        raise ValueError(f"classes are the numbers of the columns of the scores, got {classes.dtype}")
    if not len(classes) or any(len(each) != len(classes) for each in probabilities):
        lengths = [len(each) for each in probabilities]
        raise ValueError(f"items that are held out are needed, got {len(classes)} classes, scores {lengths}")
    confidence = [each.max(axis=1) for each in probabilities]
    correct = [each.argmax(axis=1) == classes for each in probabilities]
    chosen = []
    for place in range(len(probabilities) - 1):
        sure = confidence[place][None, :] > grid[:, None]
        hits = np.where(sure, correct[place], correct[place + 1]).sum(axis=1)
        # The first of equals: the lowest threshold, so the one that stops earliest.
        chosen.append(grid[int(hits.argmax())])
    return np.array(chosen)
