"""The models for classification, forecasting, events and decisions: they stream, learn and refuse."""

import math

import pytest
import torch
from torch import nn

from octavo.sequence import AarenClassifier, AarenDecisionModel, AarenForecaster, AarenPointProcess
from octavo.sequence.aaren.next_event import NextEvent

MIXERS = ("aaren", "attention", "lstm")


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def make(kind: type, *sizes: object, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return kind(*sizes, d_model=8, n_layers=2, n_heads=2, **options).eval()


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_classifier_streams(mixer: str) -> None:
    model, series = make(AarenClassifier, 3, 4, mixer=mixer), randn(2, 15, 3)
    state = None
    for position in range(15):
        logits, state = model.update(series[:, position], state)
        assert torch.allclose(logits, model(series[:, : position + 1]), atol=1e-5)


def test_the_classifier_does_not_read_padding() -> None:
    model, series = make(AarenClassifier, 3, 4), randn(2, 15, 3)
    padding = torch.arange(15) >= torch.tensor([15, 6])[:, None]
    logits = model(series.masked_fill(padding[..., None], math.nan), padding)
    assert torch.allclose(logits[1], model(series[1:, :6])[0], atol=1e-5)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("norm", [True, False])
def test_the_forecaster_streams(mixer: str, norm: bool) -> None:
    model, series = make(AarenForecaster, 2, 6, 3, norm, mixer=mixer), randn(2, 12, 2)
    forecast, state = model.start(series[:, :6])
    every = model(series, all_steps=True)
    assert torch.allclose(forecast, every[:, 0], atol=1e-5)
    for position in range(6, 12):
        forecast, state = model.update(series[:, position], state)
        assert torch.allclose(forecast, every[:, position - 5], atol=1e-5)


def test_forecasts_move_with_level_and_scale() -> None:
    model, series = make(AarenForecaster, 2, 12, 3), randn(2, 12, 2)
    # The guard against a constant window, 1e-5 of the variance, is all that remains of the scale.
    assert torch.allclose(model(100 * series + 7), 100 * model(series) + 7, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_point_process_streams(mixer: str) -> None:
    model = make(AarenPointProcess, 3, 4, mixer=mixer)
    times, marks = (randn(2, 9).abs() + 0.1).cumsum(1), torch.randint(3, (2, 9))
    expected, state = model(times, marks), None
    for position in range(9):
        following, state = model.update((times[:, position], marks[:, position]), state)
        for ours, theirs in zip(following, expected[:, position], strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_density_of_gaps_integrates_to_one() -> None:
    following = NextEvent(randn(5), randn(5, seed=1), randn(5, seed=2).exp(), randn(3, seed=3))
    edges = torch.logspace(-8, 8, 200_001, dtype=torch.float64)
    middle = (edges[1:] * edges[:-1]).sqrt()
    rows = NextEvent(*(part.double().expand(len(middle), -1) for part in tuple(following)))
    density = rows.log_prob(middle, torch.zeros(len(middle), dtype=torch.long))[0].exp()
    assert ((density * edges.diff()).sum() - 1).abs() < 1e-4
    cumulated = (density * edges.diff()).cumsum(0)
    median = middle[(cumulated - 0.5).abs().argmin()]
    assert math.isclose(float(following.median_gap), float(median), rel_tol=1e-2)


def test_draws_follow_the_density() -> None:
    following = NextEvent(
        torch.zeros(20_000, 1),
        torch.full((20_000, 1), 0.5),
        torch.full((20_000, 1), 0.3),
        torch.tensor([0.0, 1.0]).expand(20_000, 2),
    )
    gaps, marks = following.sample(torch.Generator().manual_seed(0))
    assert abs(float(gaps.log().mean()) - 0.5) < 0.01
    assert abs(float(gaps.log().std()) - 0.3) < 0.01
    assert abs(float(marks.float().mean()) - math.e / (1 + math.e)) < 0.02


def test_events_in_padding_count_nothing() -> None:
    model = make(AarenPointProcess, 3, 4)
    times, marks = (randn(2, 9).abs() + 0.1).cumsum(1), torch.randint(3, (2, 9))
    padding = torch.arange(9) >= torch.tensor([9, 4])[:, None]
    scored = model.log_prob(times.masked_fill(padding, math.nan), marks, padding)
    alone = model.log_prob(times[1:, :4], marks[1:, :4])
    assert torch.allclose(scored.total[1, :3], alone.total[0], atol=1e-5)
    assert (scored.total[1, 3:] == 0).all()
    drawn, _ = model.sample_next(times.masked_fill(padding, math.nan), marks, padding)
    assert (drawn > times[[0, 1], [8, 3]]).all()


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("discrete", [True, False])
def test_the_policy_streams(mixer: str, discrete: bool) -> None:
    policy = make(AarenDecisionModel, 4, 3, discrete=discrete, mixer=mixer)
    observations, returns = randn(2, 7, 4), randn(2, 7)
    state, actions, predictions = None, [], []
    for step in range(7):
        prediction, state = policy.update((observations[:, step], returns[:, step]), state)
        action = prediction.argmax(-1) if discrete else prediction.detach()
        state = state._replace(action=action)
        actions.append(action)
        predictions.append(prediction)
    whole = policy(observations, returns, torch.stack(actions, 1))
    assert torch.allclose(torch.stack(predictions, 1), whole, atol=1e-5)


def test_a_prediction_does_not_see_its_own_action() -> None:
    policy = make(AarenDecisionModel, 4, 3)
    observations, returns, actions = randn(2, 7, 4), randn(2, 7), randn(2, 7, 3, seed=1).tanh()
    changed = actions.clone()
    changed[:, 4] = 0.9
    before, after = policy(observations, returns, actions), policy(observations, returns, changed)
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_a_policy_does_not_read_padding() -> None:
    policy = make(AarenDecisionModel, 4, 3)
    observations, returns, actions = randn(1, 5, 4), randn(1, 5), randn(1, 5, 3, seed=1).tanh()

    def padded(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full((1, 2, *x.shape[2:]), math.nan), x], dim=1)

    padding = torch.tensor([[True] * 2 + [False] * 5])
    shifted = policy(padded(observations), padded(returns), padded(actions), key_padding_mask=padding)
    assert torch.allclose(shifted[:, 2:], policy(observations, returns, actions), atol=1e-5)


def test_every_task_is_learned() -> None:
    torch.manual_seed(0)
    labels = torch.arange(32) % 2
    series = randn(32, 10, 1) + labels[:, None, None]
    classifier = make(AarenClassifier, 1, 2)
    times = torch.where(labels[:, None] == 0, 1.0, 3.0).expand(32, 10).cumsum(1)
    marks = (torch.arange(10) % 2).expand(32, 10)
    events = make(AarenPointProcess, 2, 2)

    def falls(model: nn.Module, loss: object, steps: int = 40) -> bool:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            value = loss()  # type: ignore[operator]
            value.backward()
            optimizer.step()
            losses.append(value.item())
        return losses[-1] < losses[0] - 0.3

    assert falls(classifier, lambda: nn.functional.cross_entropy(classifier(series), labels))
    assert falls(events, lambda: -events.log_prob(times, marks).total.mean())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make(AarenClassifier, 0, 2), "n_channels=0"),
        (lambda: make(AarenClassifier, 2, 2)(torch.zeros(1, 0, 2)), "at least one item"),
        (lambda: make(AarenForecaster, 2, 0, 3), "context=0"),
        (lambda: make(AarenForecaster, 2, 3, -1), "horizon=-1"),
        (lambda: make(AarenForecaster, 2, 6, 3)(torch.zeros(1, 5, 2)), "at least context=6 items, got 5"),
        (lambda: make(AarenForecaster, 2, 6, 3).update(torch.zeros(1, 2)), "call start"),
        (lambda: make(AarenPointProcess, 3)(torch.ones(1, 4), torch.zeros(1, 4).long()), "strictly increase"),
        (lambda: make(AarenPointProcess, 3)(torch.arange(4.0)[None], torch.full((1, 4), 3)), r"in 0 .. 2"),
        (lambda: make(AarenPointProcess, 3)(torch.arange(4.0)[None], torch.zeros(1, 4)), "whole numbers"),
        (
            lambda: make(AarenPointProcess, 3)(torch.zeros(1, 0), torch.zeros(1, 0).long()),
            "at least one event",
        ),
        (lambda: make(AarenPointProcess, 3, std_log_gap=0.0), "std_log_gap=0.0"),
        (
            lambda: make(AarenPointProcess, 3)(
                torch.arange(4.0)[None], torch.zeros(1, 4).long(), torch.tensor([[True, False, False, False]])
            ),
            "on the right",
        ),
        (
            lambda: make(AarenDecisionModel, 4, 3)(
                torch.zeros(1, 5, 4), torch.zeros(1, 4), torch.zeros(1, 5, 3)
            ),
            "expected returns_to_go",
        ),
        (
            lambda: make(AarenDecisionModel, 4, 3, discrete=True)(
                torch.zeros(1, 5, 4), torch.zeros(1, 5), torch.zeros(1, 5)
            ),
            "whole numbers",
        ),
        (
            lambda: make(AarenDecisionModel, 4, 3, discrete=True)(
                torch.zeros(1, 5, 4), torch.zeros(1, 5), torch.full((1, 5), 3)
            ),
            r"in 0 .. 2, got 3 .. 3",
        ),
    ],
)
def test_what_does_not_fit_is_said(unchecked: None, call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
