"""The training loop: steps, checkpoints, evaluation, limits. What a step does is up to whoever writes it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from octavo.errors import OctavoError, RunFailed
from octavo.lab.batches import Batches, Last, move
from octavo.lab.checkpoint import Checkpoints
from octavo.lab.context import Context
from octavo.lab.engine import Engine, choose
from octavo.lab.keys import key
from octavo.lab.meter import Meter
from octavo.lab.randomness import preserved_randomness, seed_global
from octavo.lab.state import State, copied
from octavo.lab.stopping import EarlyStop, Watch
from octavo.lab.trackers import JsonlLog, Mirror, Tracker

Status = Literal["done", "stopped", "timeout"]
Report = Callable[[dict[str, Any]], None]
Step = Callable[[State, Any, Context], Mapping[str, Tensor | float]]

# A person cannot read more, and a queue between processes should not carry more.
_REPORT_SECONDS = 0.25
# Saving may take at most a twentieth of the time.
_SAVE_SHARE = 20


class Diverged(RunFailed):
    """A loss became infinite or not a number.

    Args:
        fit: the training.
        step: the first step with such a loss.
        indices: the samples of that step.
    """

    def __init__(self, fit: str, step: int, indices: Sequence[int] = ()) -> None:
        some = ", ".join(str(index) for index in indices[:8]) + (", ..." if len(indices) > 8 else "")
        samples = f" on samples {some}" if indices else ""
        super().__init__(
            f"{fit}: the loss is not finite at step {step}{samples}; "
            "lower the learning rate, clip gradients or check the data"
        )
        self.fit, self.step, self.indices = fit, step, tuple(indices)

    def __reduce__(self) -> tuple[type["Diverged"], tuple[str, int, tuple[int, ...]]]:
        # An exception of several arguments does not cross a process by itself.
        return type(self), (self.fit, self.step, self.indices)


@dataclass(frozen=True)
class Fit:
    """What came of a training.

    Attributes:
        name: of the training.
        status: `done`; `stopped` early because evaluations no longer improved; `timeout` at `max_seconds`.
        steps: how many steps were made.
        seconds: how long they took, over all sessions, with evaluation.
        history: by name, one number a step; nan where a step did not return it.
        evaluations: the numbers of each evaluation and the `step` after which it was made.
        best: the best evaluation by `keep_best` or `early_stop`, or None.
        folder: where it is kept, or None.
    """

    name: str
    status: Status
    steps: int
    seconds: float
    history: dict[str, list[float]] = field(repr=False)
    evaluations: list[dict[str, float]] = field(repr=False)
    best: dict[str, float] | None
    folder: Path | None


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
                return _Session(self, engine).train()
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


class _Session:
    """One run of a loop, from where it stands to its end or its interruption."""

    def __init__(self, loop: Loop, engine: Engine) -> None:
        self.loop, self.engine = loop, engine
        self.batches = Batches(loop.data, loop.batch_size, loop.seed, loop.last, engine.rank, engine.world)
        self.meter = Meter(engine)
        self.watch = Watch(loop.early_stop, loop.keep_best)
        self.evaluations: list[dict[str, float]] = []
        self.best_weights: dict[str, Any] | None = None
        self.start, self.earlier_seconds = 0, 0.0
        self.begun = self.saved_at = time.perf_counter()
        self.saving_took = 0.0
        self.reported_at = -_REPORT_SECONDS
        self.trackers: list[Tracker] = (
            [Mirror(tracker) for tracker in loop.trackers] if engine.rank == 0 else []
        )
        self._resume()

    def train(self) -> Fit:
        loop = self.loop
        for tracker in self.trackers:
            tracker.start(loop.name, loop.settings)
        status: Status = "done"
        done = self.start
        try:
            while done < loop.steps and not self.watch.stopped:
                if loop.max_seconds is not None and self._agreed(self._seconds() >= loop.max_seconds, done):
                    status = "timeout"
                    break
                self._step(done)
                done += 1
                if loop.evaluate and (
                    done == loop.steps or (loop.evaluate_every and done % loop.evaluate_every == 0)
                ):
                    self._evaluate(done)
                self._tell(done)
                if (
                    loop.checkpoints
                    and done < loop.steps
                    and not self.watch.stopped
                    and self._checkpoint_due(done)
                ):
                    self._save(done)
            if status == "done" and self.watch.stopped and done < loop.steps:
                status = "stopped"
            return self._finish(done, status)
        except BaseException:
            for tracker in self.trackers:
                tracker.finish("failed")
            raise

    def _step(self, step: int) -> None:
        loop, engine = self.loop, self.engine
        # The first process draws as a single one would; the others draw what is their own.
        word = (
            key(loop.seed, "fit.step", step, engine.rank) if engine.rank else key(loop.seed, "fit.step", step)
        )
        seed_global(word, engine.device)
        indices, weight = self.batches.local(step)
        context = Context(engine, loop.seed, step, loop.steps, self.batches.epoch(step), indices, weight)
        batch = self._batch(step, indices, weight)
        numbers = loop.step(loop.state, batch, context)
        if not self.meter.add(numbers, weight):
            raise Diverged(loop.name, step, self.batches.indices(step).tolist())
        if not self.meter.immediate and ((step + 1) % loop.log_every == 0 or step + 1 == loop.steps):
            self._flush()

    def _batch(self, step: int, indices: Tensor, weight: float) -> Any:
        device = self.engine.device
        if self.loop.accumulate > 1:
            pieces = self.batches.pieces(step, indices, weight, self.loop.accumulate)
            return ((move(piece, device), share) for piece, share in pieces)
        batch = self.batches.batch(step, indices)
        return batch if device.type == "cpu" else move(batch, device)

    def _flush(self) -> None:
        bad = self.meter.flush()
        if bad is not None:
            raise Diverged(self.loop.name, bad, self.batches.indices(bad).tolist())

    def _evaluate(self, done: int) -> None:
        loop = self.loop
        assert loop.evaluate is not None
        self._flush()
        seed_global(key(loop.seed, "fit.evaluate", done), self.engine.device)
        with torch.no_grad(), _evaluating(loop.state.modules().values()):
            numbers = {name: float(value) for name, value in loop.evaluate(loop.state).items()}
        evaluation = self.engine.share({"step": done, **numbers})
        self.evaluations.append(evaluation)
        if self.watch.see(evaluation):
            self.best_weights = copied(
                {name: module.state_dict() for name, module in loop.state.modules().items()}
            )
        for tracker in self.trackers:
            tracker.log(done, {f"evaluation/{name}": value for name, value in numbers.items()})
        if loop.report and self.engine.rank == 0:
            loop.report(
                {
                    "kind": "evaluation",
                    "fit": loop.name,
                    "step": done,
                    "steps": loop.steps,
                    "metrics": numbers,
                }
            )

    def _tell(self, done: int) -> None:
        loop = self.loop
        if self.trackers and done % loop.log_every == 0:
            self._flush()
            numbers = {name: values[-1] for name, values in self.meter.history.items()}
            for tracker in self.trackers:
                tracker.log(done, {"seconds": self._seconds(), **numbers})
        if loop.report and self.engine.rank == 0:
            now = time.perf_counter()
            if now - self.reported_at >= _REPORT_SECONDS or done == loop.steps:
                self.reported_at = now
                numbers = self.meter.latest()
                left = (loop.steps - done) * (now - self.begun) / (done - self.start)
                loop.report(
                    {
                        "kind": "step",
                        "fit": loop.name,
                        "step": done,
                        "steps": loop.steps,
                        "loss": numbers.get("loss"),
                        "metrics": {name: value for name, value in numbers.items() if name != "loss"},
                        "seconds_left": left,
                    }
                )

    def _seconds(self) -> float:
        return self.earlier_seconds + time.perf_counter() - self.begun

    def _agreed(self, verdict: bool, done: int) -> bool:
        """What the first process's clock says; several processes only ask when they meet anyway."""
        if self.engine.world == 1:
            return verdict
        return bool(self.engine.share(verdict)) if done % self.loop.log_every == 0 else False

    def _checkpoint_due(self, done: int) -> bool:
        every = self.loop.checkpoint_every
        if every and done % every == 0:
            return True
        pause = max(self.loop.checkpoint_seconds, _SAVE_SHARE * self.saving_took)
        return self._agreed(time.perf_counter() - self.saved_at >= pause, done)

    def _save(self, done: int, status: Status | None = None) -> None:
        assert self.loop.checkpoints is not None
        began = time.perf_counter()
        self._flush()
        self._check_agreement(done)
        if self.engine.rank == 0:
            saved = {
                "step": done,
                "seconds": self._seconds(),
                "settings": self.loop.settings,
                "history": self.meter.state_dict(),
                "evaluations": self.evaluations,
                "watch": self.watch.state_dict(),
            }
            if status in ("done", "stopped"):
                saved |= {"status": status, "state": self.loop.state.state_dict(weights_only=True)}
                self.loop.checkpoints.save_final(saved)
            else:
                saved |= {
                    "state": self.loop.state.state_dict(),
                    "best_weights": self.best_weights,
                    "engine": self.engine.state_dict(),
                }
                self.loop.checkpoints.save(done, saved)
        self.saved_at = time.perf_counter()
        self.saving_took = self.saved_at - began

    def _resume(self) -> None:
        loop = self.loop
        for module in loop.state.modules().values():
            self.engine.synchronise(module)
        saved = loop.checkpoints.load() if loop.checkpoints else None
        if saved is not None:
            loop.check_settings(saved["settings"])
            loop.state.load_state_dict(saved["state"])
            self.engine.load_state_dict(saved["engine"])
            self.meter.load_state_dict(saved["history"])
            self.watch.load_state_dict(saved["watch"])
            self.evaluations, self.best_weights = saved["evaluations"], saved["best_weights"]
            self.start, self.earlier_seconds = saved["step"], saved["seconds"]
        if self.engine.share(self.start) != self.start:
            raise OctavoError(
                f"processes found different checkpoints; {loop.name} needs a folder that all of them see"
            )
        if loop.checkpoints and self.engine.rank == 0:
            log = JsonlLog(loop.checkpoints.folder / "log.jsonl")
            log.cut(self.start)
            self.trackers.insert(0, log)

    def _check_agreement(self, done: int) -> None:
        """Processes that do not average their gradients train different models, and nobody would notice."""
        if self.engine.world == 1:
            return
        modules = self.loop.state.modules().values()
        total = sum(p.detach().double().sum().item() for module in modules for p in module.parameters())
        differs = torch.tensor([float(self.engine.share(total) != total)], device=self.engine.device)
        if self.engine.mean(differs).item() > 0:
            raise OctavoError(
                f"{self.loop.name}: the processes' weights differ after {done} steps; "
                "move parameters with context.update"
            )

    def _finish(self, done: int, status: Status) -> Fit:
        loop = self.loop
        self._flush()
        if loop.checkpoints and status == "timeout":
            self._save(done, status)
        if self.best_weights is not None:
            for name, module in loop.state.modules().items():
                module.load_state_dict(self.best_weights[name])
        if loop.checkpoints and status != "timeout":
            self._save(done, status)
        for tracker in self.trackers:
            tracker.finish(status)
        folder = loop.checkpoints.folder if loop.checkpoints else None
        return Fit(
            loop.name,
            status,
            done,
            self._seconds(),
            self.meter.history,
            self.evaluations,
            self.watch.best,
            folder,
        )


@contextmanager
def _evaluating(modules: Any) -> Iterator[None]:
    """Evaluation mode inside, and afterwards every submodule in the mode it had."""
    modes = [(part, part.training) for module in modules for part in module.modules()]
    for part, _ in modes:
        part.training = False
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
