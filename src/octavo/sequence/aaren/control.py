"""Control tasks of gymnasium, controllers of three skills, and the episodes they leave to learn from.

The sets are mixed as D4RL mixes them, without its data: *medium* is one mediocre controller with noise,
*replay* is every skill from random to medium, *medium-expert* is half medium and half expert.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from octavo.errors import Missing

Array = NDArray[np.float32]
Controller = Callable[[Array, np.random.Generator], Any]
Mixture = Literal["medium", "replay", "medium-expert"]

MIXTURES: tuple[Mixture, ...] = ("medium", "replay", "medium-expert")
MEDIUM_NOISE = 0.2  # share of the medium controller's actions that are random


@dataclass(frozen=True)
class Task:
    """A control task and the controllers that leave its episodes.

    Args:
        name: the environment's id in gymnasium.
        observation_size: numbers in an observation.
        actions: choices of a discrete action, numbers in a continuous one.
        discrete: whether an action is a choice.
        limit: largest magnitude of a continuous action.
        horizon: steps after which an episode ends in any case.
        medium: the mediocre controller.
        expert: the good controller.
    """

    name: str
    observation_size: int
    actions: int
    discrete: bool
    limit: float
    horizon: int
    medium: Controller
    expert: Controller

    def random(self, observation: Array, rng: np.random.Generator) -> Any:
        """An action drawn evenly from all actions."""
        if self.discrete:
            return int(rng.integers(self.actions))
        return rng.uniform(-self.limit, self.limit, self.actions).astype(np.float32)


@dataclass(frozen=True)
class Episode:
    """One episode.

    Shape:
        observations ``(time, size)``; actions ``(time, size)``, or choices ``(time,)``; rewards ``(time,)``.
    """

    observations: Array
    actions: NDArray[Any]
    rewards: Array

    @property
    def total(self) -> float:
        """The return."""
        return float(self.rewards.sum())

    @property
    def returns_to_go(self) -> Array:
        """The sum of this and all later rewards, at each step."""
        return np.cumsum(self.rewards[::-1])[::-1].astype(np.float32)


def pump_energy(observation: Array, rng: np.random.Generator) -> Array:
    """Swings a pendulum up by feeding it the energy it has upright; never stops it there."""
    cosine, _, speed = observation
    missing = 15.0 - (0.5 * speed**2 + 15.0 * cosine)
    push = 2.0 if abs(speed) < 0.05 and cosine < -0.95 else 0.2 * speed * missing
    return np.clip([push], -2.0, 2.0).astype(np.float32)


def swing_up(observation: Array, rng: np.random.Generator) -> Array:
    """Pumps energy far from the top and holds the pendulum with a linear regulator near it."""
    cosine, sine, speed = observation
    angle = np.arctan2(sine, cosine)
    if abs(angle) < 0.7:
        return np.clip([-10.0 * angle - 3.0 * speed], -2.0, 2.0).astype(np.float32)
    return pump_energy(observation, rng)


def lean(observation: Array, rng: np.random.Generator) -> int:
    """Keeps a pole up but leaning, so that the cart runs off the track before time is up."""
    _, _, angle, turn = observation
    return int(angle + 0.2 * turn + 0.09 > 0)


def balance(observation: Array, rng: np.random.Generator) -> int:
    """Keeps a pole up and the cart near the middle."""
    place, speed, angle, turn = observation
    return int(0.1 * place + 0.3 * speed + angle + 0.3 * turn > 0)


CONTROLLERS: dict[str, tuple[Controller, Controller]] = {
    "Pendulum-v1": (pump_energy, swing_up),
    "CartPole-v1": (lean, balance),
}


def make(name: str, horizon: int | None = None) -> Any:
    """The environment, or what to install for it.

    Args:
        name: its id in gymnasium.
        horizon: steps after which an episode is cut off; by default the environment's own number.

    Raises:
        Missing: gymnasium, or the engine of this environment, is not installed.
    """
    try:
        import gymnasium
    except ImportError as error:
        raise Missing("gymnasium", "pip install gymnasium") from error
    try:
        return gymnasium.make(name, max_episode_steps=horizon)
    except gymnasium.error.DependencyNotInstalled as error:
        raise Missing("gymnasium[mujoco]", "pip install 'gymnasium[mujoco]'") from error


def task(name: str, horizon: int | None = None) -> Task:
    """The task of that name, with its controllers.

    Args:
        name: an id in gymnasium. Tasks without a controller of ours get linear ones, found by random search.
        horizon: steps after which an episode is cut off; by default the environment's own number.

    Raises:
        Missing: gymnasium, or the engine of this environment, is not installed.
    """
    environment = make(name, horizon)
    discrete = hasattr(environment.action_space, "n")
    size = int(environment.observation_space.shape[0])
    actions = int(environment.action_space.n if discrete else environment.action_space.shape[0])
    limit = 1.0 if discrete else float(environment.action_space.high.max())
    medium, expert = CONTROLLERS[name] if name in CONTROLLERS else search(environment, size, actions, limit)
    return Task(name, size, actions, discrete, limit, int(environment.spec.max_episode_steps), medium, expert)


def rollout(environment: Any, controller: Controller, seed: int) -> Episode:
    """One episode of a controller.

    Args:
        environment: of gymnasium.
        controller: from an observation to an action.
        seed: of the start and of whatever the controller draws.
    """
    rng = np.random.default_rng(seed)
    observation, _ = environment.reset(seed=seed % 2**31)
    observations, actions, rewards = [], [], []
    done = False
    while not done:
        action = controller(observation, rng)
        observations.append(observation)
        actions.append(action)
        observation, reward, terminated, truncated, _ = environment.step(action)
        rewards.append(float(reward))
        done = terminated or truncated
    return Episode(np.asarray(observations, np.float32), np.asarray(actions), np.asarray(rewards, np.float32))


def noisy(task: Task, controller: Controller, noise: float) -> Controller:
    """The controller with a share ``noise`` of its actions replaced by random ones."""

    def act(observation: Array, rng: np.random.Generator) -> Any:
        return task.random(observation, rng) if rng.random() < noise else controller(observation, rng)

    return act


def episodes(task: Task, mixture: Mixture, number: int, seed: int) -> list[Episode]:
    """The episodes of one offline set.

    Args:
        task: where they happen.
        mixture: whose they are.
        number: how many.
        seed: of the set; the same seed gives the same episodes.
    """
    rng = np.random.default_rng(seed)
    environment = make(task.name, task.horizon)
    collected = []
    for index in range(number):
        medium = noisy(task, task.medium, MEDIUM_NOISE)
        controller = {
            "medium": medium,
            "replay": noisy(task, task.medium, rng.uniform(MEDIUM_NOISE, 1.0)),
            "medium-expert": medium if index % 2 else task.expert,
        }[mixture]
        collected.append(rollout(environment, controller, int(rng.integers(2**31))))
    return collected


def mean_return(task: Task, controller: Controller, seeds: Sequence[int]) -> float:
    """Mean return of a controller from the given starts."""
    environment = make(task.name, task.horizon)
    return float(np.mean([rollout(environment, controller, seed).total for seed in seeds]))


def search(
    environment: Any,
    size: int,
    actions: int,
    limit: float,
    rounds: int = 150,
    directions: int = 8,
    seed: int = 0,
) -> tuple[Controller, Controller]:
    """Linear controllers by augmented random search: the best found, and the first with half its return.

    Args:
        environment: of gymnasium, with continuous actions.
        size: numbers in an observation.
        actions: numbers in an action.
        limit: largest magnitude of an action.
        rounds: steps of the search.
        directions: random directions tried at each step, each forwards and backwards.
        seed: of the search.

    Source: Mania, Guy and Recht 2018, arXiv 1803.07055, version V2-t without normalisation of rare states.
    """
    rng = np.random.default_rng(seed)
    weights = np.zeros((actions, size))
    seen: list[Array] = []
    history: list[tuple[float, NDArray[Any]]] = []

    def controller(matrix: NDArray[Any]) -> Controller:
        return lambda observation, _: np.clip(matrix @ observation, -limit, limit).astype(np.float32)

    for _ in range(rounds):
        start = int(rng.integers(2**31))
        spread = np.std(np.concatenate(seen[-64:]), axis=0) + 1e-3 if seen else np.ones(size)
        trials = []
        for _ in range(directions):
            direction = rng.normal(size=weights.shape) / spread
            pair = [rollout(environment, controller(weights + s * 0.03 * direction), start) for s in (1, -1)]
            seen += [episode.observations for episode in pair]
            trials.append((pair[0].total, pair[1].total, direction))
        trials.sort(key=lambda trial: -max(trial[:2]))
        best = trials[: max(2, directions // 2)]
        deviation = np.std([total for trial in best for total in trial[:2]]) + 1e-6
        weights = weights + 0.02 / len(best) / deviation * sum((f - b) * d for f, b, d in best)
        history.append((float(np.mean([total for trial in best for total in trial[:2]])), weights.copy()))
    top, expert = max(history, key=lambda entry: entry[0])
    floor = history[0][0]
    medium = next(matrix for total, matrix in history if total >= (top + floor) / 2)
    return controller(medium), controller(expert)
