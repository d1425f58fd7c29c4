import json
import math
import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo import ledger
from octavo.errors import OctavoError
from octavo.lab.records import Record

BETTER = "accuracy(a, D) >= accuracy(b, D)"


def test_a_claim_from_card_to_verdict(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [0.90, 0.91, 0.92]), *made.measured("b", [0.80, 0.82, 0.81])]
    found = made.judged(BETTER + " + 0.05", records, unit="accuracy")
    assert found.verdict == "holds"
    assert found.measured == "0.100 [0.075, 0.125] (3 seeds)"
    assert found.place == "laptop: 3 seeds"
    assert (found.halved, found.doubled) == ("holds", "in direction")
    assert found.command == "octavo run p --part main"
    assert found.effect.absolute == pytest.approx(0.1)
    assert found.effect.relative == pytest.approx(0.1 / 0.81)
    assert found.effect.deviations == pytest.approx(10)
    row = found.as_dict()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert {
        "paper",
        "claim",
        "says",
        "paper_figure",
        "condition",
        "verdict",
        "scale",
        "seeds",
        "measured",
    } <= set(row)


def test_lower_is_better_turns_the_sign_once(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [1.0, 1.1, 1.2], "loss"), *made.measured("b", [2.0, 2.2, 2.3], "loss")]
    assert made.judged("loss(a, D) <= loss(b, D) - 0.5", records).verdict == "holds"
    reversed_claim = made.judged("loss(b, D) <= loss(a, D)", records)
    assert reversed_claim.verdict == "does not hold"
    assert "reversed" in reversed_claim.why


def test_pairing_by_seed_is_not_by_order(made: SimpleNamespace) -> None:
    mine, theirs = made.measured("a", [1.1, 5.1, 9.1]), made.measured("b", [1.0, 5.0, 9.0])
    found = made.judged("accuracy(a, D) - accuracy(b, D) >= 0.05", [*mine, *theirs[::-1]])
    assert found.verdict == "holds"


def test_a_list_needs_every_data_set_and_a_mean_does_not(made: SimpleNamespace) -> None:
    records = [
        *made.measured("a", [0.9, 0.91, 0.92]),
        *made.measured("b", [0.8, 0.81, 0.83]),
        *made.measured("a", [0.5, 0.51, 0.52], dataset="E"),
        *made.measured("b", [0.55, 0.56, 0.58], dataset="E"),
    ]
    each = made.judged("accuracy(a, [D, E]) >= accuracy(b, [D, E])", records)
    assert each.verdict == "does not hold"
    assert [part.verdict for part in each.components] == ["holds", "does not hold"]
    assert each.why.startswith("accuracy(a, E) >= accuracy(b, E): ")
    assert made.judged("mean(accuracy(a, [D, E]) - accuracy(b, [D, E])) >= 0", records).verdict == "holds"


def test_too_few_seeds_are_undecided(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [0.9, 0.91]), *made.measured("b", [0.1, 0.11])]
    found = made.judged(BETTER, records, seeds=5)
    assert found.verdict == "undecided"
    assert "2 of 5 seeds" in found.why
    assert made.judged(BETTER, records[:1] + records[2:3], seeds=1).verdict == "holds"


def test_a_comparison_within_a_part_of_one_seed_plans_no_more(made: SimpleNamespace) -> None:
    records = [
        *made.measured("a", [0.9, 0.91, 0.92]),
        *made.measured("b", [0.8, 0.81, 0.83]),
        *made.measured("a", [7.0], "bytes", part="sizes"),
    ]
    condition = f"{BETTER} and bytes(a, D) <= 8"
    assert made.judged(condition, records, once=("sizes",)).verdict == "holds"
    cut_short = made.judged(condition, records)
    assert cut_short.verdict == "undecided"
    assert "1 of 3 seeds" in cut_short.why


def test_a_counterexample_needs_no_further_seed(made: SimpleNamespace) -> None:
    records = made.measured("a", [1e-3], "error")
    assert made.judged("error(a, D) <= 1e-6", records, "exactness", seeds=3).verdict == "does not hold"
    records = made.measured("a", [1e-9], "error")
    assert made.judged("error(a, D) <= 1e-6", records, "exactness", seeds=3).verdict == "undecided"


def test_exactness_shows_the_worst_seed(made: SimpleNamespace) -> None:
    found = made.judged("error(a, D) <= 1e-6", made.measured("a", [1e-9, 3e-8, 1e-10], "error"), "exactness")
    assert (found.verdict, found.value) == ("holds", 3e-8)


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_the_worst_of_its_system(made: SimpleNamespace, lost: float) -> None:
    good, bad = [0.9, 0.91, 0.92], [0.9, lost, 0.92]
    low = [0.1, 0.11, 0.12]
    mine = made.judged(BETTER, [*made.measured("a", bad), *made.measured("b", low)])
    assert mine.verdict == "undecided"
    assert "seed 1 failed" in mine.why
    theirs = made.judged(BETTER, [*made.measured("a", good), *made.measured("b", [0.1, lost, 0.12])])
    assert theirs.verdict == "in direction", "a sign, but no size"
    both = made.judged(BETTER, [*made.measured("a", bad), *made.measured("b", [0.1, lost, 0.12])])
    assert both.verdict == "undecided"
    all_lost = made.judged(BETTER, [*made.measured("a", [lost] * 3), *made.measured("b", low)])
    assert all_lost.verdict == "does not hold"
    equal = made.judged(
        "abs(accuracy(a, D) - accuracy(b, D)) <= 1",
        [*made.measured("a", bad), *made.measured("b", good)],
        "equality",
    )
    assert equal.verdict == "undecided"


def test_of_an_unknown_metric_a_failure_always_counts_against_the_claim(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [3, 3.1, 3.2], "zeal"), *made.measured("b", [1, math.nan, 1.1], "zeal")]
    assert made.judged("zeal(a, D) >= zeal(b, D)", records).verdict == "undecided"


@pytest.mark.parametrize("status", ["failed", "diverged", "timeout"])
def test_what_a_failed_unit_did_not_record_is_the_worst_value(made: SimpleNamespace, status: str) -> None:
    records = [*made.measured("a", [0.9, 0.91]), *made.measured("b", [0.1, 0.11, 0.12])]
    units = [made.unit("main", seed, "done") for seed in (0, 1)] + [made.unit("main", 2, status)]
    found = made.judged(BETTER, records, units=units)
    assert (found.verdict, found.seeds) == ("undecided", 3)
    assert "seed 2 failed" in found.why
    assert made.judged(BETTER, records, units=units[:2]).seeds == 2


def test_a_system_that_always_fails_does_not_hold(made: SimpleNamespace) -> None:
    units = [made.unit("main", seed, "diverged") for seed in range(3)]
    assert made.judged(BETTER, made.measured("b", [0.1, 0.1, 0.2]), units=units).verdict == "does not hold"


def test_what_is_missing_is_named(made: SimpleNamespace) -> None:
    waiting = made.unit("main", 0, "needs", needs="Weather", why="Download it.")
    found = made.judged(BETTER, [], units=[waiting])
    assert (found.verdict, found.why) == ("needs Weather", "Download it.")
    assert made.judged(BETTER, [], needs=("gpu",), scale="gpu").verdict == "needs gpu"
    # A data set that a card names may well be here: only a run knows.
    absent = made.judged(BETTER, [], needs=("D",))
    assert absent.verdict == "undecided"
    assert absent.why == "not measured yet: accuracy(a, D) and 1 more"
    crashed = made.judged(BETTER, [], units=[made.unit("main", 0, "failed", why="ValueError: no")])
    assert "the part main failed: ValueError: no" in crashed.why


def test_a_smaller_scale_never_answers_for_a_gpu(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [0.9, 0.91, 0.92]), *made.measured("b", [0.1, 0.11, 0.12])]
    found = made.judged(BETTER, records, scale="gpu", needs=("gpu",))
    assert found.verdict == "needs gpu"
    assert found.why.startswith("the laptop scale alone says: holds")
    big = [
        *made.measured("a", [0.1, 0.2, 0.1], scale="gpu"),
        *made.measured("b", [0.8, 0.9, 0.8], scale="gpu"),
    ]
    found = made.judged(BETTER, [*records, *big], scale="gpu", needs=("gpu",))
    assert (found.verdict, found.scale) == ("does not hold", "gpu")
    assert found.command.endswith("--scale gpu")
    assert made.judged(BETTER, [*records, *big]).scale == "laptop"


def test_seeds_without_effect_are_said_and_items_take_their_place(made: SimpleNamespace) -> None:
    records = made.measured("a", [0.8, 0.8, 0.8])
    found = made.judged("accuracy(a, D) >= 0.75", records, "at least")
    assert (found.verdict, found.low) == ("holds", 0.8)
    assert "the seed has no effect" in found.why
    records = made.measured("a", [0.8, 0.8, 0.8], n_items=50, item_low=0.67, item_high=0.89)
    found = made.judged("accuracy(a, D) >= 0.75", records, "at least")
    assert (found.verdict, found.low, found.high) == (
        "in direction",
        pytest.approx(0.67),
        pytest.approx(0.89),
    )
    assert "interval over items" in found.why


def test_the_interval_over_items_counts_where_it_is_much_wider(made: SimpleNamespace) -> None:
    narrow = {"n_items": 9000, "item_low": 0.79, "item_high": 0.81}
    wide = {"n_items": 50, "item_low": 0.67, "item_high": 0.89}
    values = [0.795, 0.8, 0.805]
    over_seeds = made.judged("accuracy(a, D) >= 0.75", made.measured("a", values, **narrow), "at least")
    over_items = made.judged("accuracy(a, D) >= 0.75", made.measured("a", values, **wide), "at least")
    assert (over_seeds.verdict, over_items.verdict) == ("holds", "in direction")
    assert over_seeds.components[0].item_low == pytest.approx(0.79)


def test_items_are_resampled_in_pairs_where_they_are_at_hand(made: SimpleNamespace) -> None:
    easy = np.random.default_rng(0).random(400) < 0.6
    files = {"a.npz": easy | (np.arange(400) % 25 == 0), "b.npz": easy}
    records = [
        record
        for system in ("a", "b")
        for record in made.measured(
            system,
            [float(files[f"{system}.npz"].mean())],
            items=f"{system}.npz",
            n_items=400,
            item_low=0.5,
            item_high=0.7,
        )
    ]

    def read(record: Record) -> np.ndarray:
        return files[record.items]

    unpaired = made.judged(BETTER, records, seeds=1, replicates="item")
    paired = made.judged(BETTER, records, seeds=1, replicates="item", items=read)
    assert (unpaired.verdict, paired.verdict) == ("undecided", "holds")
    assert paired.value == pytest.approx(unpaired.value)
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 3


def test_a_part_of_one_seed_stands_beside_every_seed_only_by_design(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [0.9, 0.91, 0.92]), *made.measured("b", [0.5], part="floor")]
    assert "1 of 3 seeds" in made.judged(BETTER, records).why
    assert made.judged(BETTER, records, once=("floor",)).verdict == "holds"


def test_a_correlation_without_an_interval_gets_fishers(made: SimpleNamespace) -> None:
    records = made.measured("a", [0.5], "spearman", n_items=100)
    found = made.judged("spearman(a, D) >= 0.6", records, "correlation", seeds=1)
    assert found.verdict == "holds"
    assert found.low == pytest.approx(0.33, abs=0.01)


def test_a_short_range_of_sizes_fits_no_exponent(made: SimpleNamespace) -> None:
    slope = made.measured("a", [1.0, 1.01, 1.02], "slope")
    near = [r for n in (512, 1024) for r in made.measured("a", [n, n, n], "seconds", at=(("tokens", n),))]
    far = [r for n in (4096,) for r in made.measured("a", [n, n, n], "seconds", at=(("tokens", n),))]
    assert made.judged("slope(a, D) <= 1.1", [*slope, *near], "scaling").verdict == "undecided"
    assert made.judged("slope(a, D) <= 1.1", [*slope, *near, *far], "scaling").verdict == "holds"


def test_records_with_a_place_are_asked_for_by_it(made: SimpleNamespace) -> None:
    records = made.measured("a", [8.0], "bytes", at=(("tokens", 4096),))
    assert made.judged("bytes(a, D, tokens=4096) <= 8", records, seeds=1).verdict == "holds"
    assert made.judged("bytes(a, D) <= 8", records, seeds=1).why.startswith("not measured yet")


def test_existence_counts_in_full_beside_a_control(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [3, 4, 3], "found"), *made.measured("null", [0, 0, 0], "found")]
    alone = made.judged("found(a, D) >= 1", records, "existence", controls=("null",))
    beside = made.judged(
        "found(a, D) >= 1 and found(a, D) > found(null, D)", records, "existence", controls=("null",)
    )
    assert alone.verdict == "in direction"
    assert beside.verdict == "in direction", "each comparison counts; the instance alone has no control"
    assert (
        made.judged("found(a, D) > found(null, D)", records, "existence", controls=("null",)).verdict
        == "holds"
    )


def test_notes_name_a_stronger_control_and_an_absent_one(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [0.7, 0.71, 0.72]), *made.measured("b", [0.5, 0.52, 0.51])]
    controls = made.measured("constant", [0.8, 0.8, 0.8])
    found = made.judged(BETTER, [*records, *controls], controls=("constant", "random"))
    assert "a simple baseline is stronger: accuracy(constant, D) = 0.8" in found.note
    assert "the control random was not measured" in found.note
    assert (
        made.judged(BETTER, [*records, *made.measured("constant", [0.1] * 3)], controls=("constant",)).note
        == ""
    )


def test_an_equality_has_its_controls_beside_it(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [0.7, 0.71, 0.72]), *made.measured("b", [0.7, 0.72, 0.71])]
    controls = [*made.measured("constant", [0.8] * 3), *made.measured("random", [0.1] * 3)]
    condition = "abs(accuracy(a, D) - accuracy(b, D)) <= 0.1"
    found = made.judged(condition, [*records, *controls], "equality", controls=("constant", "random"))
    assert found.note == "a simple baseline is stronger: accuracy(constant, D) = 0.8, accuracy(a, D) = 0.71"


def test_a_noisy_clock_is_noted(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [1, 1.2, 0.9], "seconds"), *made.measured("b", [9, 9, 12], "seconds")]
    assert (
        "the interval of the times is ±"
        in made.judged("seconds(b, D) / seconds(a, D) >= 2", records, "size").note
    )


def test_what_is_claimed_to_be_zero_has_no_relative_width(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [1, 1.01, 0.99], "seconds"), *made.measured("b", [1, 1, 1.001], "seconds")]
    found = made.judged("abs(seconds(b, D) / seconds(a, D) - 1) <= 0.05", records, "equality")
    assert "interval of the times" not in found.note


def test_a_number_recorded_twice_is_an_error(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [1.0]), *made.measured("a", [1.0], part="other")]
    with pytest.raises(
        OctavoError, match=r"accuracy\(a, D\) is recorded twice for seed 0 \(by the parts main and other\)"
    ):
        made.judged(BETTER, records)


def test_a_condition_that_cannot_be_read_names_its_claim(made: SimpleNamespace) -> None:
    with pytest.raises(OctavoError, match="p: the condition of claim c1: column 11: `;`"):
        made.judged("accuracy(a; D) > 1", [])


@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e6])
def test_the_unit_of_both_sides_does_not_matter_to_a_ratio(made: SimpleNamespace, factor: float) -> None:
    def judged(scale: float) -> object:
        records = [
            *made.measured("a", [scale * v for v in (1.0, 1.1, 1.3)], "seconds"),
            *made.measured("b", [scale * v for v in (2.0, 2.2, 2.9)], "seconds"),
        ]
        found = made.judged("seconds(b, D) / seconds(a, D) >= 1.8", records, "size")
        return found.verdict, pytest.approx(found.low), pytest.approx(found.high)

    assert judged(factor) == judged(1.0)


def test_a_ratio_of_negative_numbers_is_judged_as_it_is_written(made: SimpleNamespace) -> None:
    records = [*made.measured("a", [-2.0, -2.1, -2.2], "nll"), *made.measured("b", [-1.0, -1.1, -1.2], "nll")]
    found = made.judged("nll(a, D) <= 1.05 * nll(b, D)", records)
    assert found.verdict == "holds"
    assert found.components[0].quantity == "nll(a, D) - 1.05 * nll(b, D)"


VALUES = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5)
PAIRS = st.integers(1, 5).flatmap(
    lambda n: st.tuples(*[st.lists(st.floats(0.01, 0.99), min_size=n, max_size=n)] * 2)
)
CONDITIONS = st.sampled_from(
    [
        (BETTER, "direction"),
        ("accuracy(a, D) >= accuracy(b, D) - 0.02", "direction"),
        ("accuracy(a, D) / accuracy(b, D) >= 1.2", "size"),
        ("accuracy(a, D) >= 0.5", "at least"),
        ("abs(accuracy(a, D) - accuracy(b, D)) <= 0.1", "equality"),
        ("accuracy(a, D) <= accuracy(b, D)", "exactness"),
        ("accuracy(a, D) > accuracy(b, D)", "existence"),
        ("accuracy(a, D) >= 0.4", "correlation"),
    ]
)


@given(CONDITIONS, PAIRS, st.randoms(use_true_random=False))
def test_order_and_unrelated_records_change_nothing(
    made: SimpleNamespace,
    asked: tuple[str, str],
    pair: tuple[list[float], list[float]],
    chance: random.Random,
) -> None:
    condition, kind = asked
    records = [*made.measured("a", pair[0]), *made.measured("b", pair[1])]
    before = made.judged(condition, records, kind, seeds=len(pair[0]))
    unrelated = [
        *made.measured("a", [0.3, 0.4], dataset="E"),
        *made.measured("c", [0.1] * 4, part="other"),
        *made.measured("a", [5.0], metric="seconds"),
        *made.measured("a", [0.2], at=(("tokens", 4),)),
        *made.measured("a", [0.2], paper="q"),
        *made.measured("a", [0.2], scale="smoke"),
    ]
    shuffled = [*records, *unrelated]
    chance.shuffle(shuffled)
    assert made.judged(condition, shuffled, kind, seeds=len(pair[0])).as_dict() == before.as_dict()


@given(CONDITIONS, PAIRS, st.integers(0, 1000))
def test_which_seed_is_called_what_does_not_matter(
    made: SimpleNamespace, asked: tuple[str, str], pair: tuple[list[float], list[float]], turn: int
) -> None:
    condition, kind = asked
    count = len(pair[0])
    turned = [values[turn % count :] + values[: turn % count] for values in pair]
    first, second = (
        made.judged(condition, [*made.measured("a", a), *made.measured("b", b)], kind, seeds=count)
        for a, b in (pair, turned)
    )
    assert first.verdict == second.verdict
    assert first.low == pytest.approx(second.low, nan_ok=True)


@given(
    st.sampled_from(["direction", "size", "at least", "equality", "exactness", "existence", "scaling"]),
    st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.11, 0.5)), min_size=1, max_size=6),
    st.sampled_from(["{a} >= {b}", "{b} <= {a}", "{a} - {b} > 0.1", "{a} >= 1.1 * {b}", "{a} / {b} >= 1.5"]),
)
def test_no_claim_holds_on_records_that_contradict_it(
    made: SimpleNamespace, kind: str, seeds: list[tuple[float, float]], shape: str
) -> None:
    condition = shape.format(a="accuracy(a, D)", b="accuracy(b, D)")
    records = [
        *made.measured("a", [value for value, _ in seeds]),
        *made.measured("b", [value + gap for value, gap in seeds]),
    ]
    found = made.judged(condition, records, kind, seeds=len(seeds))
    assert found.verdict in ("does not hold", "undecided")


@given(PAIRS, st.floats(0, 0.3), st.floats(0, 0.3), st.sampled_from(["direction", "equality", "at least"]))
def test_a_wider_margin_never_loses_a_verdict_that_holds(
    made: SimpleNamespace, pair: tuple[list[float], list[float]], margin: float, wider: float, kind: str
) -> None:
    records = [*made.measured("a", pair[0]), *made.measured("b", pair[1])]
    for form in (
        "accuracy(a, D) >= accuracy(b, D) - {:.6f}",
        "abs(accuracy(a, D) - accuracy(b, D)) <= {:.6f}",
    ):
        strict, lenient = (
            made.judged(form.format(width), records, kind, seeds=len(pair[0])).verdict
            for width in (margin, margin + wider)
        )
        assert strict != "holds" or lenient == "holds"


def test_what_is_printed_never_crosses_the_bound(made: SimpleNamespace) -> None:
    found = made.judged(
        "error(a, D) <= 0.05", made.measured("a", [0.04996, 0.04996], "error"), "at least", seeds=2
    )
    assert found.verdict == "holds"
    assert found.measured.startswith("0.04996")


def test_the_ledger_needs_neither_torch_nor_numpy() -> None:
    import subprocess
    import sys

    code = "import sys\nfrom octavo import ledger\nassert not {'torch', 'numpy', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert ledger.judge
