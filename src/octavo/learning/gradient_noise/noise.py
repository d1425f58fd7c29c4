"""The paper's method: annealed Gaussian noise on every gradient, for any optimizer of torch."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.learning.gradient_noise.agreement import check_agreement
from octavo.learning.gradient_noise.drawing import NoiseBuffer, add_normal_
from octavo.learning.gradient_noise.schedule import NoiseSchedule, Schedule
from octavo.learning.gradient_noise.window import EffectiveInit, effective_init

ParameterFilter = Callable[[nn.Parameter], bool]
WANTED = {
    "generator": "a generator; make it with torch.Generator().manual_seed(0)",
    "param_filter": "a function of a parameter; try lambda param: param.ndim > 1",
    "schedule": "a function of the step; NoiseSchedule.fixed(0.01) keeps a variance",
}


def add_gradient_noise_(
    params: Iterable[Tensor],
    step: int,
    eta: float = 0.3,
    gamma: float = 0.55,
    generator: torch.Generator | None = None,
) -> None:
    """Adds the paper's noise to the gradients of some parameters: for loops that are written by hand.

    Call it after clipping and before the optimizer's step. A parameter that is named twice gets noise once;
    one without a gradient gets none.

    Args:
        params: whose ``.grad`` is changed.
        step: of the optimizer, counted from 0; micro-batches that are accumulated count once.
        eta: variance at step 0.
        gamma: how fast the variance falls.
        generator: where the noise comes from; torch's global generator by default.

    Raises:
        ValueError: eta, gamma or step is negative.
        TypeError: a gradient is sparse or complex, or these are no parameters.

    Example:
        >>> weights = torch.nn.Parameter(torch.zeros(2))
        >>> weights.sum().backward()
        >>> add_gradient_noise_([weights], step=0, eta=0.01, generator=torch.Generator().manual_seed(0))
        >>> weights.grad.shape
        torch.Size([2])

    Paper: arXiv 1511.06807, section 3.
    """
    std = NoiseSchedule(eta, gamma).std(step)
    # A tensor would be read as a list of its rows, which have no gradients.
    chosen = [params] if isinstance(params, Tensor) else list(dict.fromkeys(params))
    if isinstance(params, Tensor) or not all(isinstance(param, Tensor) for param in chosen):
        raise TypeError(
            f"add_gradient_noise_ takes a list of parameters, got {type(params).__name__} "
            f"of {type(chosen[0]).__name__}; give model.parameters() or [weight]"
        )
    gradients = [local(checked(param)) for param in chosen if param.grad is not None]
    add_normal_(gradients, [std] * len(gradients), generator)


class GradientNoise:
    """Adds annealed Gaussian noise to the gradients before every step of an optimizer.

    At step t each number of each gradient gets noise of its own, of variance eta / (1 + t)^gamma. It is a
    hook on ``optimizer.step()``: after whatever you do to gradients before it, clipping above all, and before
    what the optimizer does with them. Micro-batches that are accumulated count as one step, since t counts
    steps of the optimizer.

    With Adam the noise is divided by its own size where gradients are small, so that eta hardly matters there
    and a dead layer moves by the learning rate at each step.

    Args:
        optimizer: any of torch.optim; ``group["noise_eta"]`` sets another eta for a group.
        eta: variance at the first step; 0 changes nothing, bit for bit. The paper tries 0.01, 0.3 and 1.0.
        gamma: how fast the variance falls; 0 keeps it.
        generator: where the noise comes from, on the parameters' device. By default one that is seeded from
        torch's
            global generator now, so that ``torch.manual_seed`` decides it. Data-parallel ranks need one seed;
            ranks that hold different shards need different ones.
        param_filter: which parameters get noise; all by default.
        schedule: a function from the step to the standard deviation, in the place of eta and gamma.
        include_missing: give noise to parameters whose gradient is None, as if it were zero.
        dense_ok: make a sparse gradient dense, so that it can get noise.
        skip_nonfinite: leave the gradients as they are where one is infinite or NaN, and count it in
        `skipped`.
        check_ranks: compare the noise of all ranks at every step; slow, for looking for faults.

    Raises:
        ValueError: eta or gamma is negative, or the optimizer has gradient noise already.
        TypeError: a gradient is complex or whole numbers, or sparse without `dense_ok`; or an argument is of
            another type.
        RuntimeError: the gradients are scaled by a GradScaler, or the step is given a closure.

    Example:
        >>> layer = torch.nn.Linear(3, 1)
        >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
        >>> noise = GradientNoise(optimizer, eta=0.3)
        >>> layer(torch.ones(2, 3)).sum().backward()
        >>> optimizer.step()
        >>> noise.step
        1

    Paper: arXiv 1511.06807, section 3.  Measured claims: ``octavo run gradient_noise``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        eta: float = 0.3,
        gamma: float = 0.55,
        generator: torch.Generator | None = None,
        param_filter: ParameterFilter | None = None,
        *,
        schedule: Schedule | None = None,
        include_missing: bool = False,
        dense_ok: bool = False,
        skip_nonfinite: bool = False,
        check_ranks: bool = False,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"GradientNoise wraps an optimizer of torch, got {type(optimizer).__name__}; "
                "for a loop of your own use add_gradient_noise_"
            )
        for name, given, right in (
            ("generator", generator, generator is None or isinstance(generator, torch.Generator)),
            ("param_filter", param_filter, param_filter is None or callable(param_filter)),
            ("schedule", schedule, schedule is None or callable(schedule)),
        ):
            if not right:
                raise TypeError(f"{name}={given!r} is not {WANTED[name]}")
        # Before the optimizer is touched, since it checks eta and gamma.
        self.schedule: Schedule = NoiseSchedule(eta, gamma) if schedule is None else schedule
        if any(isinstance(getattr(hook, "__self__", None), GradientNoise) for hook in _hooks(optimizer)):
            raise ValueError("this optimizer has gradient noise already; call remove() on the first one")
        self.gamma = gamma
        self.step = 0
        """Steps with noise so far: the t of the schedule."""
        self.skipped = 0
        """Steps whose gradients were not finite and got no noise, with `skip_nonfinite`."""
        self._optimizer, self._filter = optimizer, param_filter
        self._include_missing, self._dense_ok = include_missing, dense_ok
        self._skip_nonfinite, self._check_ranks = skip_nonfinite, check_ranks
        self._given = generator
        self._seed = int(torch.randint(2**62, ())) if generator is None else 0
        self._generators: dict[str, torch.Generator] = {}
        self._paused = False
        self._buffer = NoiseBuffer()
        for group in optimizer.param_groups:
            self._schedule_of(group)
        self._handle = optimizer.register_step_pre_hook(self._before_step)

    def __repr__(self) -> str:
        return f"GradientNoise({self.schedule}, step={self.step})"

    def remove(self) -> None:
        """Take the hook off the optimizer."""
        self._handle.remove()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Steps inside the block get no noise, and do not count."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def state_dict(self) -> dict[str, Any]:
        """The step and the state of the generators, with which a resumed training goes on bit for bit."""
        generators = {"given": self._given} if self._given is not None else self._generators
        return {
            "step": self.step,
            "skipped": self.skipped,
            "seed": self._seed,
            "generators": {name: generator.get_state() for name, generator in generators.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the state was taken.

        Raises:
            ValueError: it is not a state of gradient noise, or it was taken with a generator of the user's
                and this has none, or the reverse. Nothing is changed then.
        """
        missing = sorted({"step", "skipped", "seed", "generators"} - set(state))
        if missing:
            raise ValueError(
                f"this is no state of GradientNoise, it has no {', '.join(missing)}; "
                "save noise.state_dict() beside the optimizer's"
            )
        saved = state["generators"]
        if ("given" in saved) != (self._given is not None):
            raise ValueError(
                f"the state was saved {'with' if 'given' in saved else 'without'} a generator of yours; "
                f"make GradientNoise {'with generator=' if 'given' in saved else 'without it'} to go on"
            )
        counts = [state[name] for name in ("step", "skipped", "seed")]
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise ValueError(f"step, skipped and seed of the state are {counts}; they are counts, from 0")
        try:
            # Each is tried on a generator of its own first.
            generators = {
                name: torch.Generator(self._given.device if self._given is not None else name)
                for name in saved
            }
            for name, generator in generators.items():
                generator.set_state(saved[name].cpu())
        except (AttributeError, RuntimeError, TypeError) as error:
            raise ValueError(f"the state of a generator cannot be read: {error}") from error
        self.step, self.skipped, self._seed = counts
        if self._given is not None:
            self._given.set_state(saved["given"].cpu())
        else:
            self._generators = generators

    def effective_init(self, lr: float | None = None, steps: int = 10_000) -> EffectiveInit:
        """Whether the noise would bring layers without a gradient to life within a run, and when.

        It warns where the walk of the weights reaches the variance 2 / fan_in, at which a ReLU layer hands
        signals on, sooner than after one hundredth of the run or not within it.

        Args:
            lr: the learning rate; by default that of each group.
            steps: of the whole run.

        Raises:
            TypeError: the walk is known for SGD and the family of Adam, and this is another optimizer.
        """
        found = effective_init(self._optimizer, self._schedule_of, lr, steps)
        if found.advice:
            warnings.warn(found.advice, stacklevel=2)
        return found

    def _schedule_of(self, group: Mapping[str, Any]) -> Schedule:
        own = group.get("noise_eta")
        return self.schedule if own is None else NoiseSchedule(own, self.gamma)

    def _before_step(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._paused:
            return
        if any(callable(given) for given in (*args[1:], kwargs.get("closure"))):
            raise RuntimeError(
                "optimizer.step was given a closure, which makes new gradients after the noise was added to "
                "the old ones; call backward() first and step() without a closure"
            )
        if getattr(optimizer, "grad_scale", None) is not None:
            raise RuntimeError(
                "the gradients are still scaled by a GradScaler; call scaler.unscale_(optimizer) before "
                "scaler.step(optimizer)"
            )
        found_inf = getattr(optimizer, "found_inf", None)
        if found_inf is not None and bool(found_inf):
            return  # A fused optimizer skips this step itself, as GradScaler asks it to.
        gradients, stds = self._wanted()
        if self._skip_nonfinite and not all(bool(gradient.isfinite().all()) for gradient in gradients):
            self.skipped += 1
            return
        devices = {gradient.device for gradient in gradients}
        for device in sorted(devices, key=str):
            generator = self._generator(device)
            if self._check_ranks:
                check_agreement(generator, self.step)
            if len(devices) == 1:
                self._buffer.add_normal_(gradients, stds, generator)
                continue
            here = [pair for pair in zip(gradients, stds, strict=True) if pair[0].device == device]
            self._buffer.add_normal_([gradient for gradient, _ in here], [std for _, std in here], generator)
        self.step += 1

    def _wanted(self) -> tuple[list[Tensor], list[float]]:
        """The gradients that get noise, each with its standard deviation."""
        gradients: list[Tensor] = []
        stds: list[float] = []
        for group in self._optimizer.param_groups:
            std = self._schedule_of(group)(self.step)
            if not (math.isfinite(std) and std >= 0):
                raise ValueError(
                    f"the schedule gives a standard deviation of {std} at step {self.step}; "
                    "it must be a number of at least 0"
                )
            params = group["params"]
            if self._filter is not None:
                params = [param for param in params if self._filter(param)]
            if self._include_missing:
                for param in params:
                    if param.grad is None and param.requires_grad:
                        param.grad = torch.zeros_like(param)
            if std == 0:
                continue
            params = [param for param in params if param.grad is not None]
            found = [param.grad for param in params]
            # What nearly all gradients are, seen at a glance; others are looked at one by one.
            if (
                set(map(type, found)) != {Tensor}
                or not all(param.is_leaf for param in params)
                or {gradient.layout for gradient in found} != {torch.strided}
                or not all(dtype.is_floating_point for dtype in {gradient.dtype for gradient in found})
            ):
                found = [local(checked(param, self._dense_ok)) for param in params]
            gradients += found
            stds += [std] * len(found)
        return gradients, stds

    def _generator(self, device: torch.device) -> torch.Generator:
        if self._given is not None:
            if self._given.device.type != device.type:
                raise ValueError(
                    f"the generator is on {self._given.device} and gradients are on {device}; "
                    f'make it with torch.Generator(device="{device}")'
                )
            return self._given
        if str(device) not in self._generators:
            self._generators[str(device)] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[str(device)]


def checked(param: Tensor, dense_ok: bool = False) -> Tensor:
    """The gradient of a parameter, if noise can be added to it.

    Raises:
        TypeError: it is complex or whole numbers, or sparse and `dense_ok` is not said.
        ValueError: the parameter is computed from others, so that no optimizer moves it.
    """
    gradient = param.grad if param.is_leaf else None
    if gradient is None:
        raise ValueError("a tensor that is computed from others was given; give the parameters themselves")
    if not gradient.is_floating_point():
        raise TypeError(
            f"a gradient is {gradient.dtype}; the noise is real numbers, leave it out with param_filter"
        )
    if gradient.layout != torch.strided:
        if not dense_ok:
            raise TypeError(
                "a gradient is sparse, and noise would make it dense; say dense_ok=True, or leave "
                "the parameter out with param_filter"
            )
        param.grad = gradient = gradient.to_dense()
    return gradient


def local(gradient: Tensor) -> Tensor:
    """The part of a gradient that this process holds, for FSDP and other sharded training."""
    return gradient.to_local() if hasattr(gradient, "to_local") else gradient


def _hooks(optimizer: Optimizer) -> Iterable[Any]:
    return optimizer._optimizer_step_pre_hooks.values()
