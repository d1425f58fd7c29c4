"""One run of a loop: from where it stands on disk to its end or its interruption."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from octavo.errors import OctavoError
from octavo.lab.batches import Batches, move
from octavo.lab.context import Context
from octavo.lab.engine import Engine
from octavo.lab.keys import key
from octavo.lab.meter import Meter
from octavo.lab.randomness import seed_global
from octavo.lab.result import Diverged, Fit, Status
from octavo.lab.state import copied
from octavo.lab.stopping import Watch
from octavo.lab.trackers import JsonlLog, Mirror, Tracker

if TYPE_CHECKING:
    from octavo.lab.loop import Loop

# A person cannot read more, and a queue between processes should not carry more.
_REPORT_SECONDS = 0.25
# Saving may take at most a twentieth of the time.
_SAVE_SHARE = 20


class Session:
    """Where a loop stands, and what takes it further.

    Args:
        loop: what is trained, and how.
        engine: what runs it.

    Raises:
        OctavoError: the checkpoint found is of other settings, or not the one other processes found.
    """

    def __init__(self, loop: "Loop", engine: Engine) -> None:
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
        """Take the loop to its end."""
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
        word = key(loop.seed, "fit.step", step)
        # The first process draws as a single one would; the others draw what is their own.
        seed_global(key(word, "fit.rank", engine.rank) if engine.rank else word, engine.device)
        indices, weight = self.batches.local(step)
        context = Context(engine, loop.seed, step, loop.steps, self.batches.epoch(step), indices, weight)
        batch = self._batch(step, indices, weight)
        numbers = loop.step(loop.state, batch, context)
        if not self.meter.add(numbers, weight):
            raise self._diverged(step)
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
            raise self._diverged(bad)

    def _diverged(self, step: int) -> Diverged:
        samples = [] if self.batches.size is None else self.batches.indices(step).tolist()
        return Diverged(self.loop.name, step, samples)

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

    def _save(self, done: int, status: Status | None = None, seconds: float | None = None) -> None:
        assert self.loop.checkpoints is not None
        began = time.perf_counter()
        self._flush()
        self._check_agreement(done)
        if self.engine.rank == 0:
            saved = {
                "step": done,
                "seconds": self._seconds() if seconds is None else seconds,
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
        seconds = self._seconds()
        if loop.checkpoints and status == "timeout":
            self._save(done, status, seconds)
        if self.best_weights is not None:
            for name, module in loop.state.modules().items():
                module.load_state_dict(self.best_weights[name])
        if loop.checkpoints and status != "timeout":
            self._save(done, status, seconds)
        for tracker in self.trackers:
            tracker.finish(status)
        folder = loop.checkpoints.folder if loop.checkpoints else None
        return Fit(
            loop.name,
            status,
            done,
            seconds,
            self.meter.history,
            self.evaluations,
            self.watch.best,
            folder,
        )


@contextmanager
def _evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Evaluation mode inside, and afterwards every submodule in the mode it had."""
    modes = [(part, part.training) for module in modules for part in module.modules()]
    for part, _ in modes:
        part.training = False
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
