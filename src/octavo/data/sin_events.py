"""The generated set "Sin": a Poisson process of intensity 1 + sin t, whose exact likelihood is known."""

import numpy as np
from jaxtyping import Float

from octavo.data.events import EventSequence, EventSequences
from octavo.data.registry import Entry


def sin_events(
    seed: int = 0, *, train: int = 1000, validation: int = 100, test: int = 200, end: float = 100.0
) -> EventSequences:
    r"""Draw event sequences of one mark from the intensity  lambda(t) = 1 + sin t  on [0, end].

    Candidates of rate 2 are kept with probability lambda(t) / 2, which is exact. A sequence has about `end`
    events, so a unit of time is a mean gap and nothing is rescaled.

    Args:
        seed: the same seed gives the same sequences.
        train: training sequences.
        validation: validation sequences.
        test: test sequences.
        end: how long each sequence is watched.

    Example:
        >>> events = sin_events(seed=0, train=2, validation=1, test=1)
        >>> len(events.train), events.n_marks
        (2, 1)
    """
    if end <= 0:
        raise ValueError(f"end={end} must be above 0; 100.0 gives about 100 events a sequence")

    def draw(stream: int, count: int) -> tuple[EventSequence, ...]:
        return tuple(_sequence(np.random.default_rng([seed, stream, index]), end) for index in range(count))

    return EventSequences("Sin", ("event",), 1.0, draw(0, train), draw(1, validation), draw(2, test))


def _sequence(random: np.random.Generator, end: float) -> EventSequence:
    candidates = np.sort(random.uniform(0, end, random.poisson(2 * end)))
    times = candidates[random.uniform(0, 2, len(candidates)) < 1 + np.sin(candidates)]
    return EventSequence(times, np.zeros(len(times), dtype=np.int64), 0.0, end)


def load_sin_events(_: Entry, **options: int) -> EventSequences:
    """Draw the set as `sin_events` does."""
    return sin_events(**options)


def sin_log_density(
    previous: Float[np.ndarray, " events"], times: Float[np.ndarray, " events"]
) -> Float[np.ndarray, " events"]:
    r"""The exact log density of the next event at `times`, given that the one before was at `previous`.

        log p(t | s) = log(1 + sin t) - (t - s) + cos t - cos s

    The negative of its mean over events is the floor that no model's negative log-likelihood can pass.

    Args:
        previous: the time of the event before, 0 for the first one.
        times: the time of the event.

    Example:
        >>> float(sin_log_density(np.array([0.0]), np.array([np.pi])).round(4))
        -5.1416
    """
    return np.log1p(np.sin(times)) - (times - previous) + np.cos(times) - np.cos(previous)


def sin_log_likelihood(sequence: EventSequence) -> float:
    """The exact log-likelihood of a sequence, the silence between its last event and its `end` included.

    Args:
        sequence: one of `sin_events`.
    """
    integral = sequence.end + 1 - np.cos(sequence.end)
    return float(np.log1p(np.sin(sequence.times)).sum() - integral)
