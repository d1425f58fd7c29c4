"""Adaptive classification: the notebook's thresholds, and the climb."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils import estimator_checks
from tests.embedding.matryoshka import reference

from octavo.embedding import AdaptiveClassifier, MatryoshkaClassifier, MatryoshkaLinear

DIMS = [2, 4, 8]


def stored(n: int = 60, classes: int = 4) -> tuple[list[torch.Tensor], np.ndarray, np.ndarray]:
    """Scores that become better with the size, their softmax (sizes, n, classes), and the classes."""
    random = np.random.default_rng(0)
    y = random.integers(classes, size=n)
    scores = [
        torch.from_numpy(random.normal(size=(n, classes)) * 1.5 + gain * np.eye(classes)[y])
        for gain in (1.0, 2.0, 4.0)
    ]
    return scores, torch.stack(scores).softmax(-1).numpy(), y


def test_thresholds_are_those_of_the_notebook() -> None:
    scores, softmax, y = stored()
    found = AdaptiveClassifier(lambda z, dim: z, DIMS).calibrate(scores, y)
    assert found.tolist() == reference.greedy_thresholds(softmax, y)
    assert len(set(found)) > 1


@pytest.mark.parametrize("largest", [2, 4, 8])
def test_climbs_as_the_notebook(largest: int) -> None:
    scores, softmax, y = stored()
    rows = torch.arange(len(y), dtype=torch.float64)[:, None]
    classifier = AdaptiveClassifier(lambda z, dim: scores[DIMS.index(dim)][z[:, 0].long()], DIMS)
    thresholds = classifier.calibrate(scores, y).tolist()
    number = DIMS.index(largest) + 1
    labels, used = reference.climb(softmax[:number], thresholds[: number - 1], DIMS[:number])
    found = classifier.predict(rows, largest)
    assert found.labels.tolist() == labels
    assert found.dims_used.tolist() == used


def test_looks_only_at_what_it_needs() -> None:
    asked = []

    def head(z: torch.Tensor, dim: int) -> torch.Tensor:
        asked.append((dim, len(z)))
        return torch.tensor([[9.0, 0.0], [0.1, 0.0]])[z[:, 0].long()]

    classifier = AdaptiveClassifier(head, DIMS)
    classifier.thresholds = np.array([0.9, 0.9])
    found = classifier.predict(torch.tensor([[0.0], [1.0], [0.0]]))
    assert asked == [(2, 3), (4, 1), (8, 1)]
    assert found.dims_used.tolist() == [2, 8, 2]


def test_the_lowest_of_equal_thresholds_wins() -> None:
    same = [torch.zeros(5, 3)] * 3
    assert AdaptiveClassifier(lambda z, dim: z, DIMS).calibrate(same, np.zeros(5)).tolist() == [0.1, 0.1]


def test_a_head_of_the_paper() -> None:
    torch.manual_seed(0)
    head, z, y = MatryoshkaLinear(DIMS, 3), torch.randn(30, 8), torch.arange(30) % 3
    classifier = AdaptiveClassifier(head)
    with torch.no_grad():
        classifier.calibrate(head(z), y)
    assert set(classifier.predict(z.numpy()).dims_used) <= set(DIMS)
    assert classifier.predict(torch.zeros(0, 8)).labels.shape == (0,)


def test_refuses(unchecked: None) -> None:
    scores, _, y = stored()
    classifier = AdaptiveClassifier(lambda z, dim: z, DIMS)
    with pytest.raises(ValueError, match="not calibrated"):
        classifier.predict(torch.zeros(1, 8))
    with pytest.raises(ValueError, match="scores of 3 sizes"):
        classifier.calibrate(scores[:2], y)
    with pytest.raises(ValueError, match="held out"):
        classifier.calibrate(scores, y[:5])
    with pytest.raises(ValueError, match="nothing to climb"):
        AdaptiveClassifier(lambda z, dim: z, [4])
    with pytest.raises(ValueError, match="dims is needed"):
        AdaptiveClassifier(lambda z, dim: z)
    with pytest.raises(ValueError, match="finite scores"):
        classifier.calibrate([each * float("nan") for each in scores], y)
    with pytest.raises(ValueError, match="classes are the numbers"):
        classifier.calibrate(scores, y.astype(str))
    classifier.calibrate(scores, y)
    with pytest.raises(ValueError, match="largest=3"):
        classifier.predict(torch.zeros(1, 8), largest=3)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimators_unfitted,
        estimator_checks.check_n_features_in,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
    ],
    ids=lambda check: check.__name__,
)
def test_the_estimator_passes_the_checks_of_scikit_learn(check: Callable[..., None]) -> None:
    estimator = MatryoshkaClassifier(width=8, hidden=16, epochs=1, batch_size=16, learning_rate=0.02)
    check("MatryoshkaClassifier", estimator)


def test_the_estimator_learns_classes_of_any_name_and_repeats() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 6)).astype(np.float32)
    y = np.where(X[:, 0] > 0, "right", np.where(X[:, 1] > 0, "up", "down"))
    estimator = MatryoshkaClassifier(width=16, hidden=32, epochs=30, batch_size=32, learning_rate=0.02)
    one, other = (clone(estimator).fit(X, y) for _ in range(2))
    assert one.score(X, y) > 0.9
    assert (one.predict_proba(X) == other.predict_proba(X)).all()
    found = one.predict_adaptive(X)
    assert (found.labels == y).mean() > 0.85
    assert set(found.dims_used.tolist()) <= {8, 16}
    assert one.transform(X).shape == (200, 16)
    for settings, message in (({"width": 1}, "width=1"), ({"held_out": 1.0}, "held_out=1.0")):
        with pytest.raises(ValueError, match=message):
            clone(estimator).set_params(**settings).fit(X, y)
    with pytest.raises(ValueError, match="two classes or more"):
        clone(estimator).fit(X, np.zeros(200))
