"""Aaren as a classifier of aeon: fit, predict and score on collections of series, of any lengths."""

from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from octavo.errors import Missing
from octavo.sequence.aaren.checks import check_positive
from octavo.sequence.aaren.classifier import AarenClassifier

try:
    from aeon.classification.base import BaseClassifier
except ModuleNotFoundError as error:
    raise Missing("aeon", "AarenTSC is a classifier of aeon: pip install 'octavo[laptop]'.") from error


class AarenTSC(BaseClassifier):
    """`AarenClassifier` trained with AdamW, as an estimator of aeon and scikit-learn.

    Args:
        d_model: size of a hidden state.
        n_layers: blocks.
        n_heads: heads, a divisor of d_model.
        dropout: in training.
        mixer: ``aaren``, ``attention``, ``lstm`` or ``gru``.
        epochs: passes over the training series.
        batch_size: series a step.
        learning_rate: of AdamW; it falls to zero along a cosine.
        random_state: seed of weights, order and dropout.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=(20, 1, 12))
        >>> series, classes = noise + np.repeat([0, 2], 10)[:, None, None], np.repeat(["low", "high"], 10)
        >>> classifier = AarenTSC(d_model=8, n_heads=2, epochs=20, learning_rate=0.01, random_state=0)
        >>> classifier.fit(series, classes).score(series, classes)
        1.0

    Source: arXiv 2405.13956, section 4.4.
    """

    _tags: ClassVar[dict[str, Any]] = {
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "X_inner_type": ["np-list", "numpy3D"],
        "algorithm_type": "deeplearning",
        "python_dependencies": "torch",
        "non_deterministic": False,
    }

    def __init__(
        self,
        d_model: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        dropout: float = 0.1,
        mixer: Literal["aaren", "attention", "lstm", "gru"] = "aaren",
        epochs: int = 60,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        random_state: int | None = None,
    ) -> None:
        self.d_model = d_model
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.dropout = dropout
        self.mixer = mixer
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: Any, y: Any) -> "AarenTSC":
        check_positive(epochs=self.epochs, batch_size=self.batch_size)
        series, padding = _padded(X)
        scale = series[~padding]
        self.center_, self.spread_ = scale.mean(0), scale.std(0, correction=0).clamp_min(1e-8)
        labels = torch.tensor([self._class_dictionary[label] for label in y])
        seed = np.random.SeedSequence(self.random_state).generate_state(1)[0]
        # The caller's random numbers are left as they were.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            self._train(self._normed(series), padding, labels)
        return self

    def _train(self, series: Tensor, padding: Tensor, labels: Tensor) -> None:
        self.model_ = AarenClassifier(
            series.shape[2],
            self.n_classes_,
            d_model=self.d_model,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            dropout=self.dropout,
            mixer=self.mixer,
        )
        steps = self.epochs * -(-len(series) // self.batch_size)
        optimizer = torch.optim.AdamW(self.model_.parameters(), lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(self.epochs):
            for rows in torch.randperm(len(series)).split(self.batch_size):
                optimizer.zero_grad()
                F.cross_entropy(self.model_(series[rows], padding[rows]), labels[rows]).backward()
                torch.nn.utils.clip_grad_norm_(self.model_.parameters(), 1.0)
                optimizer.step()
                schedule.step()
        self.model_.eval()

    def _predict(self, X: Any) -> np.ndarray:
        return self.classes_[self._predict_proba(X).argmax(1)]

    def _predict_proba(self, X: Any) -> np.ndarray:
        series, padding = _padded(X)
        with torch.no_grad():
            batches = zip(self._normed(series).split(256), padding.split(256), strict=True)
            return torch.cat([self.model_(x, mask).softmax(-1) for x, mask in batches]).double().numpy()

    def _normed(self, series: Tensor) -> Tensor:
        return (series - self.center_) / self.spread_

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        return {"d_model": 8, "n_layers": 1, "n_heads": 2, "epochs": 2, "random_state": 0}


def _padded(X: Any) -> tuple[Tensor, Tensor]:
    series = [torch.as_tensor(np.ascontiguousarray(case.T), dtype=torch.float32) for case in X]
    lengths = torch.tensor([len(case) for case in series])
    padded = torch.nn.utils.rnn.pad_sequence(series, batch_first=True)
    return padded, torch.arange(padded.shape[1]) >= lengths[:, None]
