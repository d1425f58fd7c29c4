import numpy as np
import pytest
from scipy import integrate, stats

from octavo import data
from octavo.data.sin_events import sin_events, sin_log_density, sin_log_likelihood

END = 50.0


def integral(time: np.ndarray) -> np.ndarray:
    return time + 1 - np.cos(time)


@pytest.fixture(scope="module")
def sequences() -> tuple[data.EventSequence, ...]:
    return sin_events(seed=0, train=400, validation=0, test=0, end=END).train


def test_the_mean_count_is_the_integral_of_the_intensity(sequences: tuple[data.EventSequence, ...]) -> None:
    expected = len(sequences) * float(integral(np.float64(END)))
    # A Poisson count deviates by its root; five of them do not happen by chance.
    assert abs(sum(len(sequence) for sequence in sequences) - expected) < 5 * np.sqrt(expected)


def test_rescaled_by_the_integral_the_events_are_uniform(sequences: tuple[data.EventSequence, ...]) -> None:
    times = np.concatenate([sequence.times for sequence in sequences])
    assert stats.kstest(integral(times) / integral(np.float64(END)), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("previous", [0.0, 1.0, 4.712389, 30.0])
def test_the_density_of_the_next_event_integrates_to_one(previous: float) -> None:
    def density(time: float) -> float:
        return float(np.exp(sin_log_density(np.array([previous]), np.array([time])))[0])

    assert integrate.quad(density, previous, previous + 60, limit=500)[0] == pytest.approx(1, abs=1e-7)


def test_the_log_likelihood_equals_the_one_by_numbers(sequences: tuple[data.EventSequence, ...]) -> None:
    for sequence in sequences[:5]:
        area = integrate.quad(lambda time: 1 + np.sin(time), 0, sequence.end, limit=500)[0]
        expected = np.log(1 + np.sin(sequence.times)).sum() - area
        assert sin_log_likelihood(sequence) == pytest.approx(expected, abs=1e-8)


def test_the_densities_and_the_last_silence_make_the_log_likelihood(
    sequences: tuple[data.EventSequence, ...],
) -> None:
    sequence = sequences[0]
    densities = sin_log_density(np.concatenate([[0.0], sequence.times[:-1]]), sequence.times)
    silence = integral(np.float64(sequence.end)) - integral(sequence.times[-1])
    assert densities.sum() - silence == pytest.approx(sin_log_likelihood(sequence), abs=1e-8)


def test_no_constant_intensity_is_as_likely(sequences: tuple[data.EventSequence, ...]) -> None:
    exact = sum(sin_log_likelihood(sequence) for sequence in sequences)
    count = sum(len(sequence) for sequence in sequences)
    watched = END * len(sequences)
    constant = count * np.log(count / watched) - count
    assert exact > constant + 0.1 * count


def test_a_seed_repeats_and_a_longer_set_begins_with_a_shorter_one() -> None:
    few, many = sin_events(seed=5, train=2, test=1), sin_events(seed=5, train=4, test=1)
    assert all(np.array_equal(a.times, b.times) for a, b in zip(few.train, many.train, strict=False))
    assert np.array_equal(few.test[0].times, many.test[0].times)
    assert not np.array_equal(few.train[0].times, few.test[0].times)
    assert not np.array_equal(few.train[0].times, sin_events(seed=6, train=1).train[0].times)


def test_it_is_a_data_set_as_any_other() -> None:
    assert data.available("Sin")
    assert data.get("Sin") == []
    assert len(data.load("Sin", seed=1, train=3).train) == 3
    with pytest.raises(ValueError, match="end=0"):
        sin_events(end=0.0)
