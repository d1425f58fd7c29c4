"""A run's folder: records and units as lines that a kill cannot spoil, figures, items, checkpoints."""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError
from octavo.lab.records import Record, Records

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind, and runs there go unguarded
    fcntl = None  # type: ignore[assignment]

SCHEMA = 1
STATUSES = ("done", "needs", "failed", "diverged", "timeout")
FINISHED = ("done", "diverged")
"""Statuses that are not tried again by the next run."""
ROOM_TO_START = 2**20


class FolderError(OctavoError):
    """The folder cannot be written: nothing more can be measured, and what was written stays."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class UnitLine:
    """How one unit of work ended.

    Args:
        status: one of `STATUSES`.
        seconds: by the wall's clock.
        why: one line for a person, where the status is not `done`.
        needs: the name of what was missing, where the status is `needs`.
        provenance: where and with what it was measured.
    """

    paper: str
    part: str
    seed: int
    scale: str
    status: str
    seconds: float = 0.0
    why: str = ""
    needs: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise OctavoError(f"A unit's status is one of {', '.join(STATUSES)}; got {self.status!r}.")

    @property
    def finished(self) -> bool:
        """Whether the next run leaves it alone."""
        return self.status in FINISHED

    def to_json(self) -> str:
        """One line of JSON, without the newline."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, line: str) -> "UnitLine":
        """The unit of one line.

        Raises:
            ValueError: the line is not a unit, for instance because it was cut short.
        """
        found = json.loads(line)
        try:
            return cls(**{name: found[name] for name in cls.__dataclass_fields__ if name in found})
        except (TypeError, OctavoError) as error:
            raise ValueError(f"not a whole unit: {line[:80]!r}") from error


def resolved(config: Any) -> dict[str, Any]:
    """A config as plain data.

    Example:
        >>> resolved({"width": 8, "sizes": (1, 2)})
        {'width': 8, 'sizes': [1, 2]}
    """
    fields = asdict(config) if is_dataclass(config) and not isinstance(config, type) else dict(config)
    return json.loads(json.dumps(fields, default=str))


def config_hash(config: Any) -> str:
    """Eight hexadecimal digits of a config; the number of seeds does not count, so that seeds can be added.

    Example:
        >>> config_hash({"width": 8, "seeds": 3}) == config_hash({"seeds": 5, "width": 8})
        True
    """
    fields = {name: value for name, value in resolved(config).items() if name != "seeds"}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]


def runs_root() -> Path:
    """Where runs lie: `OCTAVO_RUNS`, or `runs` in the current folder."""
    return Path(os.environ.get("OCTAVO_RUNS") or "runs")


class Run:
    """The folder of one run, to be read by anyone and written by whoever holds its lock.

    Args:
        folder: an existing folder with a `run.json`, as `Run.create` makes it or as published with octavo.

    Raises:
        OctavoError: there is no run in the folder.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.description: dict[str, Any] = self._describe()

    @classmethod
    def create(
        cls,
        paper: str,
        scale: str,
        config: Any,
        *,
        parts: tuple[str, ...] = (),
        once: tuple[str, ...] = (),
        root: Path | None = None,
    ) -> "Run":
        """Open the run of a paper, a scale and a config, making its folder where there is none.

        Args:
            paper, scale, config: what is run.
            parts: the names of the parts that are run now; those of earlier calls are remembered.
            once: those of them that are made with one seed by design, which a verdict must know.
            root: the folder of all runs.

        Raises:
            FolderError: the folder cannot be made or written.
        """
        folder = (root or runs_root()) / paper / f"{scale}-{config_hash(config)}"
        with _clear(folder):
            folder.mkdir(parents=True, exist_ok=True)
        known: dict[str, Any] = {}
        if (folder / "run.json").exists():
            known = cls(folder).description
        earlier = known.get("parts", [])
        rest = [name for name in earlier if name not in parts]
        description = {
            "schema": SCHEMA,
            "paper": paper,
            "scale": scale,
            "config": resolved(config),
            "hash": config_hash(config),
            # Some parts alone must not change the order in which the records of all stand.
            "parts": earlier if set(parts) <= set(earlier) else [*parts, *rest],
            "once": sorted({*once, *(name for name in known.get("once", []) if name not in parts)}),
        }
        write_whole(folder / "run.json", json.dumps(description, indent=1) + "\n")
        return cls(folder)

    def _describe(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OctavoError(f"{self.folder} holds no run: its run.json is absent or not whole.") from error
        if found.get("schema", 0) > SCHEMA:
            raise OctavoError(f"{self.folder} was written by a later octavo. Upgrade octavo to read it.")
        return found

    @property
    def paper(self) -> str:
        """The paper's slug."""
        return self.description["paper"]

    @property
    def scale(self) -> str:
        """The scale it was run at."""
        return self.description["scale"]

    @property
    def config(self) -> dict[str, Any]:
        """The config, every flag resolved."""
        return self.description["config"]

    @property
    def hash(self) -> str:
        """The config's hash."""
        return self.description["hash"]

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def records(self) -> Records:
        """All records, the later of two with one key; by seed and part, so that their order is the same
        however many processes wrote them."""
        found: dict[Any, Record] = {}
        for line in self._lines("records.jsonl"):
            with contextlib.suppress(ValueError, KeyError):
                record = Record.from_json(line)
                found.pop(record.key, None)
                found[record.key] = record
        order = {name: index for index, name in enumerate(self.description.get("parts", []))}
        return Records(sorted(found.values(), key=lambda r: (r.seed, order.get(r.part, len(order)), r.part)))

    def units(self) -> tuple[UnitLine, ...]:
        """How each unit ended, the last time that it was run; by seed and part."""
        found: dict[tuple[str, int], UnitLine] = {}
        for line in self._lines("units.jsonl"):
            with contextlib.suppress(ValueError, KeyError):
                unit = UnitLine.from_json(line)
                found[unit.part, unit.seed] = unit
        order = {name: index for index, name in enumerate(self.description.get("parts", []))}
        return tuple(sorted(found.values(), key=lambda u: (u.seed, order.get(u.part, len(order)), u.part)))

    def figures(self) -> tuple[Path, ...]:
        """The figures drawn so far."""
        return tuple(sorted((self.folder / "figures").glob("*.png")))

    def items(self, record: Record) -> Any:
        """The values of a record's items, as an array; None where it has none."""
        if not record.items:
            return None
        import numpy as np

        with np.load(self.folder / record.items) as file:
            return file["values"]

    def append(self, record: Record, items: bytes | None = None) -> None:
        """Write one record, and the file of its items before it.

        Raises:
            FolderError: the disk is full, or the folder cannot be written.
        """
        if items is not None and not (self.folder / record.items).exists():
            write_whole(self.folder / record.items, items)
        self._append("records.jsonl", record.to_json())

    def append_unit(self, unit: UnitLine) -> None:
        """Write how a unit ended.

        Raises:
            FolderError: the disk is full, or the folder cannot be written.
        """
        self._append("units.jsonl", unit.to_json())

    def save_figure(self, name: str, png: bytes) -> Path:
        """Write a figure under `figures/`."""
        return write_whole(self.folder / "figures" / f"{name}.png", png)

    def work(self, part: str, seed: int) -> Path:
        """Where an unfinished unit keeps its checkpoints."""
        return self.work_of(self.folder, part, seed)

    @staticmethod
    def work_of(folder: Path, part: str, seed: int) -> Path:
        """The same, of a folder that this process may not see."""
        return folder / "work" / f"{part}-{seed}"

    def clear_work(self, part: str, seed: int) -> None:
        """Remove a finished unit's checkpoints."""
        shutil.rmtree(self.work(part, seed), ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.folder / "work").rmdir()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against a second writer, and check that it can be written before any work is done.

        Raises:
            FolderError: another process writes here, the disk is full, or the folder cannot be written.
        """
        with _clear(self.folder):
            lock = (self.folder / ".lock").open("a")
        with lock:
            if fcntl is not None:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    raise FolderError(
                        f"Another run is writing to {self.folder}. Wait for it, or stop it first."
                    ) from error
            self._probe()
            yield

    def archive(self) -> Path:
        """Put the folder aside under a name with the time, so that everything is measured anew."""
        aside = self._aside()
        with _clear(self.folder):
            self.folder.rename(aside)
        return aside

    def forget(self, units: Collection[tuple[str, int]]) -> Path:
        """Put a copy of the folder aside and drop some units, so that they alone are measured anew.

        Args:
            units: the part and the seed of each.
        """
        aside = self._aside()
        with _clear(self.folder):
            shutil.copytree(self.folder, aside)
        kept = [line for line in self.units() if (line.part, line.seed) not in units]
        # A unit may hold the numbers of many seeds, stacked in one model: with a part's last unit all go.
        whole = {part for part, _ in units} - {line.part for line in kept}
        records = [
            record
            for record in self.records()
            if record.part not in whole and (record.part, record.seed) not in units
        ]
        # The units first: what has lost its line is measured again, also where this is cut short.
        for name, lines in (("units.jsonl", kept), ("records.jsonl", records)):
            write_whole(self.folder / name, "".join(f"{line.to_json()}\n" for line in lines))
        for part, seed in units:
            self.clear_work(part, seed)
        return aside

    def _aside(self) -> Path:
        """A name beside the folder that is free."""
        stamp = f"{self.folder.name}.{time.strftime('%Y%m%d-%H%M%S')}"
        names = itertools.chain([stamp], (f"{stamp}-{number}" for number in itertools.count(2)))
        return next(path for name in names if not (path := self.folder.with_name(name)).exists())

    def _probe(self) -> None:
        with _clear(self.folder):
            probe = self.folder / ".probe"
            with probe.open("wb") as file:
                file.write(bytes(4096))
                os.fsync(file.fileno())
            probe.unlink()
            if shutil.disk_usage(self.folder).free < ROOM_TO_START:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _lines(self, name: str) -> list[str]:
        try:
            return (self.folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def _append(self, name: str, line: str) -> None:
        path = self.folder / name
        with _clear(path):
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                size = os.fstat(file).st_size
                # What a kill left of an unfinished line must not swallow this one.
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                content = (b"\n" if torn else b"") + line.encode() + b"\n"
                if os.write(file, content) != len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(file)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never a half.

    Raises:
        FolderError: the disk is full, or the folder cannot be written.
    """
    with _clear(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            # mkstemp makes private files, and records are there to be read.
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    return path


@contextlib.contextmanager
def _clear(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderError(
            f"{path} cannot be written: {reason}. Make room or set OCTAVO_RUNS to another folder; "
            "what is recorded already stays."
        ) from error
