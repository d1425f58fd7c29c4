from importlib.util import find_spec

import numpy as np
import pytest
import torch

pytest.importorskip("gymnasium")

from octavo.errors import Missing
from octavo.sequence.aaren import control
from octavo.sequence.aaren.agent import Units, Windows, imitation_loss, play
from octavo.sequence.aaren.decision import AarenDecisionModel

TASKS = ("Pendulum-v1", "CartPole-v1")
STARTS = tuple(range(100, 106))


@pytest.mark.parametrize("name", TASKS)
def test_the_expert_is_better_than_the_medium_and_that_than_chance(name: str) -> None:
    task = control.task(name)
    random, medium, expert = (
        control.mean_return(task, act, STARTS) for act in (task.random, task.medium, task.expert)
    )
    # The medium controller is worth between a fifth and four fifths of the way.
    assert 0.2 < (medium - random) / (expert - random) < 0.8


def test_the_expert_of_the_cart_never_falls() -> None:
    task = control.task("CartPole-v1")
    assert control.mean_return(task, task.expert, STARTS) == task.horizon


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("mixture", control.MIXTURES)
def test_a_set_is_a_function_of_its_seed(name: str, mixture: control.Mixture) -> None:
    task = control.task(name)
    first, again, other = (control.episodes(task, mixture, 2, seed) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        assert (one.observations == two.observations).all()
        assert (one.actions == two.actions).all()
        assert one.total == two.total
    assert any(one.total != two.total for one, two in zip(first, other, strict=True))


def test_returns_to_go_end_with_the_last_reward_and_begin_with_the_return() -> None:
    episode = control.Episode(np.zeros((3, 1), np.float32), np.zeros(3), np.array([1, 2, 4], np.float32))
    assert episode.returns_to_go.tolist() == [7, 6, 4]
    assert episode.total == 7


def test_windows_stay_inside_their_episode() -> None:
    task = control.task("CartPole-v1")
    logged = control.episodes(task, "replay", 6, seed=0)
    windows = Windows(task, logged, Units.of(task, logged), window=30)
    batch = windows[torch.arange(len(windows))]
    seen = ~batch["padding"]
    assert int(seen.sum(1).max()) == 30
    for steps, valid in zip(batch["steps"], seen, strict=True):
        assert (steps[valid].diff() == 1).all()
    # A short episode is one window, padded behind its end.
    shortest = min(len(episode.rewards) for episode in logged)
    assert shortest < 30
    assert int(seen.sum(1).min()) == shortest


@pytest.mark.parametrize("name", TASKS)
def test_what_is_padded_does_not_change_the_loss(name: str) -> None:
    task = control.task(name)
    logged = control.episodes(task, "medium", 2, seed=0)
    windows = Windows(task, logged, Units.of(task, logged), window=5)
    model = AarenDecisionModel(
        task.observation_size, task.actions, discrete=task.discrete, d_model=8, n_layers=1, n_heads=1
    ).eval()
    batch = windows[torch.arange(4)]
    longer = {
        name: torch.cat([values, torch.zeros_like(values[:, :2])], dim=1) for name, values in batch.items()
    }
    longer["padding"][:, -2:] = True
    assert torch.allclose(imitation_loss(model, batch), imitation_loss(model, longer), atol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_play_is_worth_what_the_environment_pays(name: str) -> None:
    task = control.task(name)
    logged = control.episodes(task, "medium", 2, seed=0)
    model = AarenDecisionModel(
        task.observation_size, task.actions, discrete=task.discrete, d_model=8, n_layers=1, n_heads=1
    ).eval()
    units = Units.of(task, logged)
    totals = play(model, task, units, [5, 6], target=100.0, window=3)
    assert totals == play(model, task, units, [5, 6], target=100.0, window=3)
    # Products of other sizes round differently.
    assert totals[1] == pytest.approx(play(model, task, units, [6], target=100.0, window=3)[0], rel=1e-4)


def test_search_finds_a_linear_controller_that_beats_the_first() -> None:
    environment = control.make("Pendulum-v1")
    medium, expert = control.search(environment, 3, 1, 2.0, rounds=2, directions=2)
    action = expert(np.zeros(3, np.float32), np.random.default_rng(0))
    assert action.shape == medium(np.ones(3, np.float32), np.random.default_rng(0)).shape == (1,)


def test_an_environment_whose_engine_is_absent_says_what_to_install() -> None:
    if find_spec("mujoco"):
        pytest.skip("MuJoCo is installed")
    with pytest.raises(Missing, match="mujoco"):
        control.make("Hopper-v5")
