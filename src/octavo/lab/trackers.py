"""Where the numbers of a training go: a log, which is the truth, and mirrors of it, which may fail."""

import importlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from octavo.errors import Missing, OctavoError

_LOG = logging.getLogger(__name__)


class Tracker(Protocol):
    """Receives the numbers of one training."""

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        """A training begins, or goes on."""
        ...

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """The numbers after `step` steps."""
        ...

    def finish(self, status: str) -> None:
        """The training is over."""
        ...


class JsonlLog:
    """A line of JSON for every logged step: `{"step": 10, "loss": 0.5}`; a number not finite is a string.

    Args:
        path: the file; made with its folder when the first line is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def cut(self, step: int) -> None:
        """Forget the lines after a step, which will be written again, and a line cut short by a kill."""
        if not self.path.is_file():
            return
        kept = []
        for line in self.path.read_text().splitlines(keepends=True):
            try:
                if json.loads(line)["step"] <= step and line.endswith("\n"):
                    kept.append(line)
            except (ValueError, KeyError, TypeError):
                continue
        unfinished = self.path.with_name(f".{self.path.name}")
        with self._clear_errors():
            unfinished.write_text("".join(kept))
            os.replace(unfinished, self.path)

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        """Open the file."""
        with self._clear_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Append one line in one write."""
        line = json.dumps({"step": step, **{name: _plain(value) for name, value in numbers.items()}}) + "\n"
        with self._clear_errors():
            os.write(self._descriptor, line.encode())

    def finish(self, status: str) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise OctavoError(
                f"cannot write {self.path}: {reason}; free space there or choose another folder"
            ) from error


class Mirror:
    """Another tracker that may fail: its first error is a warning, and after it the tracker is left alone.

    Args:
        tracker: what receives the numbers.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self.works = True

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        """Pass on that a training begins."""
        self._try("start", name, settings)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Pass on the numbers."""
        self._try("log", step, numbers)

    def finish(self, status: str) -> None:
        """Pass on that the training is over."""
        self._try("finish", status)

    def _try(self, method: str, *arguments: Any) -> None:
        if not self.works:
            return
        try:
            getattr(self._tracker, method)(*arguments)
        except Exception as error:  # a tracker's server must never end a training
            self.works = False
            kind = type(self._tracker).__name__
            _LOG.warning(
                "%s failed (%s: %s); the training goes on without it", kind, type(error).__name__, error
            )


class TensorBoard:
    """Scalars for TensorBoard, in a folder."""

    def __init__(self, folder: str | Path = "tensorboard") -> None:
        _import("tensorboard")
        self._module, self._folder, self._writer = _import("torch.utils.tensorboard"), Path(folder), None

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        """Open a writer in a folder of the training's name."""
        self._writer = self._module.SummaryWriter(str(self._folder / name.replace("/", "-")))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write one scalar a number."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)  # type: ignore[attr-defined]

    def finish(self, status: str) -> None:
        """Close the writer."""
        self._writer.close()  # type: ignore[attr-defined]


class WandbLike:
    """Weights & Biases, and what has its `init`, `log` and `finish`: Trackio, SwanLab."""

    def __init__(self, package: str = "wandb", project: str = "octavo") -> None:
        self._module, self._project, self._run = _import(package), project, None

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        """Begin a run with the training's name and settings."""
        self._run = self._module.init(project=self._project, name=name, config=dict(settings))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Send the numbers."""
        self._run.log(dict(numbers), step=step)  # type: ignore[attr-defined]

    def finish(self, status: str) -> None:
        """End the run."""
        self._run.finish()  # type: ignore[attr-defined]


class Mlflow:
    """MLflow, at the address that its own environment variables give."""

    def __init__(self, experiment: str = "octavo") -> None:
        self._module, self._experiment = _import("mlflow"), experiment

    def start(self, name: str, settings: Mapping[str, Any]) -> None:
        """Begin a run with the training's name and settings."""
        self._module.set_experiment(self._experiment)
        self._module.start_run(run_name=name)
        self._module.log_params(dict(settings))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Send the numbers."""
        self._module.log_metrics(dict(numbers), step=step)

    def finish(self, status: str) -> None:
        """End the run."""
        self._module.end_run("FINISHED" if status in ("done", "stopped") else "KILLED")


def tracker(name: str) -> Tracker:
    """The tracker of a name: `tensorboard`, `wandb`, `trackio`, `swanlab` or `mlflow`.

    Raises:
        OctavoError: the name is unknown.
        Missing: its package is not installed.
    """
    if name == "tensorboard":
        return TensorBoard()
    if name == "mlflow":
        return Mlflow()
    if name in ("wandb", "trackio", "swanlab"):
        return WandbLike(name)
    raise OctavoError(f"tracker {name!r} is unknown; use tensorboard, wandb, trackio, swanlab or mlflow")


def _import(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        root = package.split(".")[0]
        raise Missing(root, f"Install it with: pip install {root}") from error


def _plain(value: float) -> float | str:
    return value if value - value == 0 else str(value)
