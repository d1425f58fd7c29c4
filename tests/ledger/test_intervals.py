import math

import numpy as np
import pytest
from scipy import stats

from octavo.errors import OctavoError
from octavo.ledger import intervals

SIMULATIONS = 2000


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 30, 101])
@pytest.mark.parametrize("share", [0.6, 0.95, 0.975, 0.999])
def test_quantiles_are_those_of_student(freedom: int, share: float) -> None:
    assert intervals.t_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-9)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_the_t_interval_covers_what_it_says(count: int) -> None:
    drawn = np.random.default_rng(0).normal(2.0, 3.0, size=(SIMULATIONS, count))
    covered = [low <= 2.0 <= high for _, low, high in map(intervals.t_interval, drawn.tolist())]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_two_one_sided_tests_are_wrong_in_one_of_twenty() -> None:
    # The true difference lies on the band's edge, the worst case of a false equality.
    drawn = np.random.default_rng(1).normal(1.0, 0.1, size=(SIMULATIONS, 4))
    inside = [high < 1.0 for _, _, high in (intervals.t_interval(row, 0.90) for row in drawn.tolist())]
    assert 0.035 <= np.mean(inside) <= 0.065


def test_the_ratio_covers_on_the_log_scale() -> None:
    generator = np.random.default_rng(2)
    numerators = np.exp(generator.normal(math.log(2), 0.3, size=(SIMULATIONS, 3)))
    denominators = np.exp(generator.normal(0, 0.3, size=(SIMULATIONS, 3)))
    found = [intervals.ratio(a, b) for a, b in zip(numerators.tolist(), denominators.tolist(), strict=True)]
    assert 0.93 <= np.mean([low <= 2 <= high for _, low, high in found]) <= 0.97


def test_wilson_covers_and_never_leaves_the_unit_interval() -> None:
    successes = np.random.default_rng(3).binomial(60, 0.93, size=SIMULATIONS)
    found = [intervals.wilson(count / 60, 60) for count in successes]
    assert 0.93 <= np.mean([low <= 0.93 <= high for _, low, high in found]) <= 0.98
    assert all(0 <= low <= value <= high <= 1 for value, low, high in found)


def test_fisher_covers_a_rank_correlation() -> None:
    generator = np.random.default_rng(4)
    rho = 0.6
    true = 6 / math.pi * math.asin(rho / 2)  # Spearman's of a normal pair
    x = generator.normal(size=(SIMULATIONS, 40))
    y = rho * x + math.sqrt(1 - rho**2) * generator.normal(size=x.shape)
    ranks = [np.argsort(np.argsort(each, axis=1), axis=1).astype(float) for each in (x, y)]
    centred = [each - each.mean(axis=1, keepdims=True) for each in ranks]
    found = (centred[0] * centred[1]).sum(1) / np.sqrt((centred[0] ** 2).sum(1) * (centred[1] ** 2).sum(1))
    covered = [low <= true <= high for _, low, high in (intervals.fisher(value, 40) for value in found)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_the_bootstrap_covers_a_skewed_mean_of_many_items() -> None:
    generator = np.random.default_rng(5)
    covered = []
    for seed in range(150):
        items = generator.exponential(size=150)
        _, low, high = intervals.bootstrap([[items]], lambda means: means[0], resamples=400, seed=seed)
        covered.append(low <= 1 <= high)
    assert 0.89 <= np.mean(covered) <= 0.99


def test_the_bootstrap_keeps_pairs_together_and_groups_apart() -> None:
    items = np.random.default_rng(6).normal(size=200)

    def difference(means: np.ndarray) -> np.ndarray:
        return means[0] - means[1]

    paired = intervals.bootstrap([[items + 1, items]], difference)
    apart = intervals.bootstrap([[items + 1], [items]], difference)
    assert paired.width < 1e-9
    assert apart.width > 0.2
    assert apart == intervals.bootstrap([[items + 1], [items]], difference), "the same draws each time"


def test_pairing_helps_where_seeds_are_shared() -> None:
    shared = np.array([1.0, 5.0, 9.0])
    paired = intervals.paired((shared + np.array([0.1, 0.2, 0.15])).tolist(), shared.tolist())
    unpaired = intervals.welch((shared + np.array([0.1, 0.2, 0.15])).tolist(), shared.tolist())
    assert paired.width * 10 < unpaired.width
    assert paired.low > 0


def test_welch_is_scipys() -> None:
    first, second = [1.0, 2.0, 3.5, 2.2], [0.3, 0.1, 5.0]
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    found = intervals.welch(first, second)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_no_spread_no_width_and_one_value_no_bounds() -> None:
    assert intervals.t_interval([0.1, 0.1, 0.1]) == (0.1, 0.1, 0.1)
    assert intervals.t_interval([0.1]) == (0.1, -math.inf, math.inf)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.paired([1.0, 2.0], [1.0]), "got 2 and 1"),
        (lambda: intervals.t_interval([]), "at least one value"),
        (lambda: intervals.ratio([1.0, -1.0], [1.0, 1.0]), "positive"),
        (lambda: intervals.bootstrap([[[1.0, 2.0], [1.0]]], lambda means: means[0]), r"got \[1, 2\]"),
        (lambda: intervals.wilson(1.2, 10), "between 0 and 1"),
        (lambda: intervals.welch([1.0], [1.0, 2.0]), "two values"),
    ],
)
def test_what_cannot_be_estimated_is_refused(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(OctavoError, match=message):
        call()
