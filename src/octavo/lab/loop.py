"""The training loop: steps, checkpoints, evaluation, limits. What a step does is up to whoever writes it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from octavo.errors import OctavoError
from octavo.lab.batches import Last
from octavo.lab.checkpoint import Checkpoints
from octavo.lab.context import Context
from octavo.lab.engine import Engine, choose
from octavo.lab.randomness import preserved_randomness
from octavo.lab.result import Fit
from octavo.lab.session import Session
from octavo.lab.state import State
from octavo.lab.stopping import EarlyStop
from octavo.lab.trackers import Tracker

Report = Callable[[dict[str, Any]], None]
Step = Callable[[State, Any, Context], Mapping[str, Tensor | float]]


class Loop:
    """A training of any shape: several optimizers, inner loops, no data at all.

    Every random choice is a function of seed, stream, step and sample. Torch's global generators are seeded
    anew at each step and left afterwards as they were found, so a training that is interrupted, evaluated
    more often, or found complete on disk leaves the same numbers as one that was not.

    Args:
        step: `step(state, batch, context)` changes the state and returns numbers, among them `loss`. It calls
            `context.backward(loss)` and `context.update(optimizer)`. Numbers whose name ends in `loss` must
            be finite.
        state: everything a step changes.
        data: what `Batches` takes; without data the batch is None.
        steps: how many steps.
        name: for messages and reports.
        batch_size: items a step, over all processes.
        last: whether the smaller batch at the end of an epoch is kept.
        accumulate: above 1, the batch is an iterator over that many `(piece, weight)`, loaded one by one.
        seed: of every random choice.
        device: where batches go; the modules should be there.
        engine: `auto`, `plain`, `accelerate`, or an engine.
        evaluate: `evaluate(state)` gives numbers; it is called in evaluation mode and without gradients.
        evaluate_every: after how many steps; always at the end.
        early_stop: stop when evaluations no longer improve.
        keep_best: `"accuracy"` or `"min loss"`: end with the modules as they were at the best evaluation.
        folder: of this training alone, for its checkpoints, its log and what it ends with; None keeps
            nothing.
        checkpoint_seconds: how often a checkpoint is written by the clock.
        checkpoint_every: how often by steps, in addition.
        max_seconds: stop at the end of a step once all sessions together took this long.
        log_every: after how many steps numbers are logged, and read from a GPU.
        report: receives `{"kind": "step", ...}` at most four times a second, and `{"kind": "evaluation",
            ...}`.
        trackers: mirrors of the log.
        settings: what a resumed training must have in common with the interrupted one.

    Example:
        >>> model = torch.nn.Linear(1, 1)
        >>> state = State(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
        >>> def step(state, batch, context):
        ...     loss = (state.model(torch.ones(1, 1)) - 3).square().mean()
        ...     context.backward(loss)
        ...     context.update(state.optimizer)
        ...     return {"loss": loss}
        >>> fit = Loop(step, state, steps=100).run()
        >>> fit.history["loss"][-1] < 1e-3
        True
    """

    def __init__(
        self,
        step: Step,
        state: State,
        data: Any = None,
        *,
        steps: int,
        name: str = "training",
        batch_size: int = 64,
        last: Last = "keep",
        accumulate: int = 1,
        seed: int = 0,
        device: str | torch.device = "cpu",
        engine: str | Engine = "auto",
        evaluate: Callable[[State], Mapping[str, Any]] | None = None,
        evaluate_every: int | None = None,
        early_stop: EarlyStop | None = None,
        keep_best: str | None = None,
        folder: Path | None = None,
        checkpoint_seconds: float = 10.0,
        checkpoint_every: int | None = None,
        max_seconds: float | None = None,
        log_every: int = 10,
        report: Report | None = None,
        trackers: Sequence[Tracker] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if steps < 0 or accumulate < 1 or log_every < 1:
            raise OctavoError(
                f"steps={steps} must not be negative; "
                f"accumulate={accumulate} and log_every={log_every} must be at least 1"
            )
        if (early_stop or keep_best) and evaluate is None:
            raise OctavoError("early_stop and keep_best look at evaluations; give evaluate as well")
        if early_stop and evaluate_every is None:
            raise OctavoError("early_stop compares evaluations; say evaluate_every")
        self.step, self.state, self.data, self.steps, self.name = step, state, data, steps, name
        self.batch_size, self.last, self.accumulate, self.seed = batch_size, last, accumulate, seed
        self.device, self.engine = device, engine
        self.evaluate, self.evaluate_every = evaluate, evaluate_every
        self.early_stop, self.keep_best = early_stop, keep_best
        self.checkpoints = Checkpoints(folder) if folder is not None else None
        self.checkpoint_seconds, self.checkpoint_every = checkpoint_seconds, checkpoint_every
        self.max_seconds, self.log_every, self.report = max_seconds, log_every, report
        self.trackers = trackers
        self.settings: dict[str, Any] = {
            "steps": steps,
            "batch_size": batch_size,
            "last": last,
            "accumulate": accumulate,
            "seed": seed,
            "items": len(data) if hasattr(data, "__len__") else None,
            **(settings or {}),
        }
        if early_stop or keep_best:
            self.settings |= {
                "evaluate_every": evaluate_every,
                "early_stop": repr(early_stop),
                "keep_best": keep_best,
            }

    def run(self) -> Fit:
        """Train to the end, from the last checkpoint if there is one; a finished training is read from disk.

        Raises:
            Diverged: a loss is not finite; the last checkpoint is from before.
            OctavoError: the folder holds a training with other settings, or cannot be written.
        """
        finished = self.checkpoints.load_final() if self.checkpoints else None
        if finished is not None:
            return self._finished(finished)
        engine = choose(self.engine, self.device)
        try:
            with preserved_randomness(engine.device):
                return Session(self, engine).train()
        finally:
            if engine is not self.engine:
                engine.close()

    def _finished(self, saved: Mapping[str, Any]) -> Fit:
        self.check_settings(saved["settings"])
        self.state.load_state_dict(saved["state"])
        history = {name: values.tolist() for name, values in saved["history"].items()}
        folder = self.checkpoints.folder if self.checkpoints else None
        return Fit(
            self.name,
            saved["status"],
            saved["step"],
            saved["seconds"],
            history,
            saved["evaluations"],
            saved["watch"]["best"],
            folder,
        )

    def check_settings(self, saved: Mapping[str, Any]) -> None:
        """Refuse to go on from a training with other settings."""
        names = [name for name in {**saved, **self.settings} if saved.get(name) != self.settings.get(name)]
        if names and self.checkpoints:
            differences = ", ".join(
                f"{name} {saved.get(name)!r} there and {self.settings.get(name)!r} here" for name in names
            )
            raise OctavoError(
                f"{self.checkpoints.folder} holds a training with other settings ({differences}); "
                "remove it or use another folder"
            )
