"""A classifier of frozen vectors for scikit-learn: nested, calibrated, and adaptive when it predicts."""

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from octavo.embedding.matryoshka.adaptive import AdaptiveClassifier, Prediction, softmax
from octavo.embedding.matryoshka.dims import nested_dims
from octavo.embedding.matryoshka.heads import MatryoshkaLinear, MatryoshkaLoss
from octavo.errors import Missing
from octavo.nn import minimise

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise Missing(
        "scikit-learn", "MatryoshkaClassifier is an estimator of it: `pip install scikit-learn`."
    ) from error


class MatryoshkaClassifier(ClassifierMixin, TransformerMixin, BaseEstimator):
    """Learns a nested embedding of vectors and its classes, and spends few dimensions on the easy ones.

    Args:
        width: size of the learned embedding.
        hidden: units of the hidden layer before it.
        efficient: MRL-E.
        held_out: share of the training vectors that the thresholds are calibrated on.
        epochs: passes over the others.
        batch_size: vectors a step.
        learning_rate: of AdamW; it falls to zero along a cosine.
        random_state: seed of the weights, of the order and of what is held out.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(300, 8)).astype("float32")
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> classifier = MatryoshkaClassifier(width=16, epochs=20, learning_rate=0.01).fit(X, y)
        >>> bool(classifier.score(X, y) > 0.9)
        True
        >>> classifier.predict_adaptive(X).dims_used.mean() < 16
        np.True_

    Source: arXiv 2205.13147, section 4.2.1, on vectors that are frozen.
    """

    def __init__(
        self,
        width: int = 256,
        hidden: int = 512,
        efficient: bool = False,
        held_out: float = 0.1,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        random_state: int = 0,
    ) -> None:
        self.width = width
        self.hidden = hidden
        self.efficient = efficient
        self.held_out = held_out
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "MatryoshkaClassifier":
        """Train on vectors and their classes."""
        X, y = validate_data(self, X, y, dtype=np.float32)
        if self.width < 2:
            raise ValueError(f"width={self.width} leaves nothing to nest; give 2 or more")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out={self.held_out} must be a share between 0 and 1")
        self.classes_, targets = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"two classes or more are needed, got 1 class: {self.classes_[0]!r}")
        rows, held = train_test_split(
            np.arange(len(X)), test_size=self.held_out, random_state=self.random_state
        )
        dims = nested_dims(self.width, min(8, max(1, self.width // 2)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            self.encoder_ = nn.Sequential(
                nn.Linear(X.shape[1], self.hidden), nn.GELU(), nn.Linear(self.hidden, self.width)
            )
            head = MatryoshkaLinear(dims, len(self.classes_), efficient=self.efficient)
        vectors, labels = torch.from_numpy(X), torch.from_numpy(targets)
        criterion = MatryoshkaLoss()

        def loss(batch: Tensor) -> Tensor:
            chosen = torch.from_numpy(rows)[batch]
            return cast(Tensor, criterion(head(self.encoder_(vectors[chosen])), labels[chosen]))

        minimise(
            [*self.encoder_.parameters(), *head.parameters()],
            loss,
            len(rows),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            generator=torch.Generator().manual_seed(self.random_state),
        )
        self.adaptive_ = AdaptiveClassifier(head)
        with torch.no_grad():
            self.adaptive_.calibrate(head(self.encoder_(vectors[torch.from_numpy(held)])), targets[held])
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "n width"]:
        """The nested embeddings."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        with torch.no_grad():
            return cast(np.ndarray, self.encoder_(torch.from_numpy(X)).numpy())

    def predict(self, X: Any) -> np.ndarray:
        """Classes, from the whole embedding."""
        places = self.predict_proba(X).argmax(axis=1)
        return cast(np.ndarray, self.classes_[places])

    def predict_proba(self, X: Any) -> Float[np.ndarray, "n classes"]:
        """Class probabilities, from the whole embedding."""
        z = torch.from_numpy(self.transform(X))
        head = self.adaptive_.head
        assert isinstance(head, MatryoshkaLinear)
        return softmax(head.logits(z, head.dims[-1]))

    def predict_adaptive(self, X: Any, largest: int | None = None) -> Prediction:
        """Classes from as few dimensions as the calibrated thresholds allow, and how many each took.

        Args:
            X: vectors.
            largest: climb no further than this size.
        """
        found = self.adaptive_.predict(self.transform(X), largest)
        return Prediction(self.classes_[found.labels], found.dims_used)
