"""Training of the usual shape: one model, one loss, one optimizer."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from octavo.errors import OctavoError
from octavo.lab.batches import Batches, Last
from octavo.lab.context import Context
from octavo.lab.engine import Engine, Precision, choose
from octavo.lab.loop import Loop, Report
from octavo.lab.result import Diverged, Fit
from octavo.lab.schedule import Schedule, Shape
from octavo.lab.state import State
from octavo.lab.stopping import EarlyStop
from octavo.lab.trackers import Tracker

__all__ = ["Diverged", "EarlyStop", "Fit", "Loss", "fit"]

Loss = Callable[[Any, Any, Context], Tensor | Mapping[str, Tensor | float]]


def fit(
    name: str,
    model: nn.Module,
    loss: Loss,
    data: Any,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int = 64,
    last: Last = "keep",
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    schedule: Shape = "constant",
    warmup_steps: int = 0,
    clip_norm: float | None = None,
    precision: Precision = "float32",
    accumulate: int = 1,
    evaluate: Callable[[Any], Mapping[str, Any]] | None = None,
    evaluate_every: int | None = None,
    early_stop: EarlyStop | None = None,
    keep_best: str | None = None,
    checkpoint_seconds: float = 10.0,
    checkpoint_every: int | None = None,
    max_seconds: float | None = None,
    compile: bool = False,
    log_every: int = 10,
    seed: int = 0,
    device: str | torch.device = "cpu",
    folder: Path | None = None,
    engine: str | Engine = "auto",
    report: Report | None = None,
    trackers: Sequence[Tracker] = (),
) -> Fit:
    """Train a model, and leave it trained and in evaluation mode.

    The seed alone decides the order of samples, so two systems trained with one seed see the same batches. A
    training that was interrupted goes on from its folder bit for bit, and one that is complete there is read
    back.

    Args:
        name: for messages and reports.
        model: what is trained; the parameters that require a gradient.
        loss: `loss(model, batch, context)`, a mean over the batch, or a mapping with `"loss"` and numbers to
            follow.
        data: `data[indices]` is a batch: `TensorData`, `Examples`, `Endless`, or any such object with a
            length.
        steps, epochs: how long; one of them.
        batch_size: items a step of the optimizer, over all processes and pieces.
        last: whether the smaller batch at the end of an epoch is kept or dropped.
        optimizer: a function of the parameters; the default is AdamW.
        learning_rate: of AdamW, 1e-3 unless given.
        weight_decay: of AdamW, 0.01 unless given.
        schedule: `constant`, `cosine`, `linear`, or a factor as a function of progress in [0, 1).
        warmup_steps: over how many steps the learning rate first rises.
        clip_norm: the longest gradient; its norm before clipping is followed as `gradient_norm`.
        precision: of the forward pass: `float32`, `bfloat16` or `float16`.
        accumulate: into how many pieces a batch is cut to save memory.
        evaluate: `evaluate(model)` gives numbers; an `Evaluation`, or any function.
        evaluate_every: after how many steps; always at the end.
        early_stop: stop when evaluations no longer improve.
        keep_best: `"accuracy"` or `"min loss"`: end with the weights of the best evaluation.
        checkpoint_seconds: how often a checkpoint is written by the clock.
        checkpoint_every: how often by steps, in addition.
        max_seconds: stop at the end of a step once it took this long, with the status `timeout`.
        compile: compile the model's forward pass; worth its half minute only for long trainings.
        log_every: after how many steps numbers are logged, and read from a GPU.
        seed: of every random choice.
        device: where the training happens.
        folder: of this training alone, for checkpoints; None keeps nothing on disk.
        engine: `auto`, `plain`, `accelerate`, or an engine.
        report: receives small dictionaries, a few a second.
        trackers: mirrors of the log, from `tracker("wandb")` and its like.

    Raises:
        Diverged: a loss is not finite.
        OctavoError: arguments contradict each other, or the folder holds another training or cannot be
        written.

    Example:
        >>> from octavo.lab.batches import TensorData
        >>> x = torch.linspace(-1, 1, 64)[:, None]
        >>> def squared_error(model, batch, context):
        ...     return (model(batch["x"]) - batch["y"]).square().mean()
        >>> line = TensorData(x=x, y=2 * x + 1)
        >>> result = fit("line", nn.Linear(1, 1), squared_error, line, epochs=200, learning_rate=0.05)
        >>> result.history["loss"][-1] < 1e-3
        True
    """
    if optimizer is not None and (learning_rate is not None or weight_decay is not None):
        raise OctavoError(
            "optimizer makes its own learning rate and weight decay; give these to it, not to fit"
        )
    steps = _steps(data, steps, epochs, batch_size, last)
    chosen = choose(engine, device, precision)
    model.to(chosen.device).train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise OctavoError(f"{name}: the model has no parameter that requires a gradient")
    make = optimizer or functools.partial(
        torch.optim.AdamW,
        lr=1e-3 if learning_rate is None else learning_rate,
        weight_decay=0.01 if weight_decay is None else weight_decay,
    )
    raw = make(parameters)
    if compile:
        model.compile()
    try:
        loop = Loop(
            _UsualStep(
                model, loss, raw, chosen, Schedule(schedule, steps, warmup_steps), clip_norm, accumulate
            ),
            State(model=model, optimizer=raw),
            data,
            steps=steps,
            name=name,
            batch_size=batch_size,
            last=last,
            accumulate=accumulate,
            seed=seed,
            engine=chosen,
            evaluate=None if evaluate is None else lambda state: evaluate(state.model),
            evaluate_every=evaluate_every,
            early_stop=early_stop,
            keep_best=keep_best,
            folder=folder,
            checkpoint_seconds=checkpoint_seconds,
            checkpoint_every=checkpoint_every,
            max_seconds=max_seconds,
            log_every=log_every,
            report=report,
            trackers=trackers,
            settings={
                "optimizer": _described(raw),
                "schedule": schedule
                if isinstance(schedule, str)
                else getattr(schedule, "__qualname__", "function"),
                "warmup_steps": warmup_steps,
                "clip_norm": clip_norm,
                "precision": precision,
            },
        )
        return loop.run()
    finally:
        model.eval()
        if chosen is not engine:
            chosen.close()


class _Objective(nn.Module):
    """The loss as a module: an engine can wrap it, and the loss may still use any method of the model."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, batch: Any, context: Context) -> Tensor | Mapping[str, Tensor | float]:
        return self._loss(self.model, batch, context)


class _UsualStep:
    """Forward, backward, clip, move."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        optimizer: Optimizer,
        engine: Engine,
        schedule: Schedule,
        clip_norm: float | None,
        accumulate: int,
    ) -> None:
        self._engine, self._schedule, self._clip_norm, self._accumulate = (
            engine,
            schedule,
            clip_norm,
            accumulate,
        )
        self._objective, self._optimizer = engine.prepare(_Objective(model, loss), optimizer)
        # Nobody hooks into an objective that the engine left as it was: its forward can be called directly.
        bare = isinstance(self._objective, _Objective)
        self._call = self._objective.forward if bare else self._objective
        # Before a checkpoint is loaded, whose rates have the schedule's factor in them.
        self._rates = [group["lr"] for group in optimizer.param_groups]

    def __call__(self, state: State, batch: Any, context: Context) -> dict[str, Tensor | float]:
        if not self._schedule.constant:
            factor = self._schedule(context.step)
            for group, rate in zip(state.optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * factor
        if self._accumulate == 1:
            numbers = self._add_gradients(batch, context, context.weight)
        else:
            numbers = self._add_pieces(batch, context)
        if self._clip_norm is not None:
            numbers["gradient_norm"] = self._engine.clip(self._optimizer, self._clip_norm)
        self._engine.update(self._optimizer)
        return numbers

    def _add_gradients(self, batch: Any, context: Context, weight: float) -> dict[str, Tensor | float]:
        with self._engine.autocast():
            result = self._call(batch, context)
        if isinstance(result, Tensor):
            result = {"loss": result}
        elif "loss" not in result:
            raise OctavoError(
                f"the loss function must return 'loss', it returned {', '.join(result) or 'nothing'}"
            )
        loss = result["loss"]
        self._engine.backward(loss if weight == 1.0 else loss * weight)
        # The meter reads the numbers, or detaches what it keeps.
        return dict(result)

    def _add_pieces(self, pieces: Iterable[tuple[Any, float]], context: Context) -> dict[str, Tensor | float]:
        total: dict[str, Tensor | float] = {}
        last = min(self._accumulate, len(context.indices)) - 1
        for place, (piece, weight) in enumerate(pieces):
            with nullcontext() if place == last else self._engine.accumulating(self._objective):
                numbers = self._add_gradients(piece, context, weight)
            share = weight / context.weight if context.weight else 1.0
            for name, value in numbers.items():
                number = value.detach() if isinstance(value, Tensor) else value
                total[name] = total.get(name, 0.0) + number * share
        return total


def _steps(data: Any, steps: int | None, epochs: float | None, batch_size: int, last: Last) -> int:
    if (steps is None) == (epochs is None):
        raise OctavoError(f"fit needs steps or epochs, and not both; got steps={steps}, epochs={epochs}")
    if steps is not None:
        if steps < 0:
            raise OctavoError(f"steps={steps} must not be negative")
        return steps
    per_epoch = Batches(data, batch_size, 0, last).steps_per_epoch
    if per_epoch is None or epochs is None:
        raise OctavoError("data without an end have no epochs; give steps")
    return math.ceil(epochs * per_epoch)


def _described(optimizer: Optimizer) -> str:
    """The optimizer and its plain settings, as far as a resumed training must share them."""
    groups = [
        {name: value for name, value in group.items() if isinstance(value, bool | int | float | str | tuple)}
        for group in optimizer.param_groups
    ]
    return f"{type(optimizer).__name__} {groups[0] if len(groups) == 1 else groups}"
