import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.lab.stopping import EarlyStop, Goal, Watch


def test_a_goal_reads_its_direction() -> None:
    assert Goal.parse("accuracy") == Goal("accuracy", lowest=False)
    assert Goal.parse("max mean rank") == Goal("mean rank", lowest=False)
    assert Goal.parse("min loss") == Goal("loss", lowest=True)


@pytest.mark.parametrize("name", ["loss", "test_error", "RMSE", "perplexity"])
def test_a_name_that_is_better_low_must_say_so(name: str) -> None:
    with pytest.raises(OctavoError, match=f"Say 'min {name}' or 'max {name}'"):
        Goal.parse(name)


@given(st.lists(st.floats(), min_size=1, max_size=12), st.integers(1, 4))
def test_patience_counts_evaluations_without_improvement(values: list[float], patience: int) -> None:
    watch = Watch(EarlyStop("accuracy", patience=patience), None)
    stopped_after = None
    for place, value in enumerate(values):
        watch.see({"step": place, "accuracy": value})
        if watch.stopped:
            stopped_after = place
            break
    best, waited, expected = math.nan, 0, None
    for place, value in enumerate(values):
        if not math.isnan(value) and (math.isnan(best) or value > best):
            best, waited = value, 0
        else:
            waited += 1
        if waited >= patience:
            expected = place
            break
    assert stopped_after == expected


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=12))
def test_the_best_is_the_first_of_the_lowest(values: list[float]) -> None:
    watch = Watch(None, "min loss")
    kept = [place for place, value in enumerate(values) if watch.see({"step": place, "loss": value})]
    assert watch.best is not None
    assert kept[-1] == values.index(min(values)) == watch.best["step"]


def test_a_margin_must_be_passed() -> None:
    watch = Watch(EarlyStop("accuracy", patience=1, margin=0.1), None)
    watch.see({"accuracy": 0.5})
    watch.see({"accuracy": 0.55})
    assert watch.stopped


def test_the_state_goes_on() -> None:
    first = Watch(EarlyStop("accuracy", patience=2), "accuracy")
    first.see({"step": 1, "accuracy": 0.9})
    first.see({"step": 2, "accuracy": 0.8})
    second = Watch(EarlyStop("accuracy", patience=2), "accuracy")
    second.load_state_dict(first.state_dict())
    second.see({"step": 3, "accuracy": 0.85})
    assert second.stopped
    assert second.best == {"step": 1, "accuracy": 0.9}


def test_a_metric_that_is_not_there_is_named() -> None:
    with pytest.raises(OctavoError, match="no 'accuracy', it has f1"):
        Watch(None, "accuracy").see({"f1": 0.5})
