"""Checkpoints that a kill, a full disk or a damaged file cannot turn into a wrong training.

A checkpoint is a folder with `tensors.safetensors`, `state.json` and the checksums of both. It is written
beside its place, forced to disk and renamed; only then `latest` names it. Nothing in it is executable.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from octavo.errors import OctavoError
from octavo.lab import snapshot

_LOG = logging.getLogger(__name__)
_TENSORS, _STATE, _SUMS, _LATEST, _FINAL = (
    "tensors.safetensors",
    "state.json",
    "checksums.json",
    "latest",
    "final",
)


class Checkpoints:
    """The checkpoints of one training, in a folder of its own.

    Args:
        folder: where they lie; made when the first one is written.
        keep: how many are kept; older ones are removed after a newer one is whole.

    Raises:
        OctavoError: the folder cannot be written: it is read-only, or the disk is full. What lay there is
        untouched.

    Example:
        >>> import tempfile, torch
        >>> checkpoints = Checkpoints(Path(tempfile.mkdtemp()) / "training")
        >>> checkpoints.save(10, {"weight": torch.ones(2), "step": 10})
        >>> checkpoints.load()["step"]
        10
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self.keep = keep

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write the checkpoint of a step, make it the latest, and remove those that are too old."""
        name = f"step-{step:012d}"
        with _clear_errors(self.folder):
            self._write(name, state)
            _write_file(self.folder / f".{_LATEST}", name.encode())
            os.replace(self.folder / f".{_LATEST}", self.folder / _LATEST)
            _force_folder(self.folder)
            self._remove(self._newest_first()[self.keep :])

    def load(self) -> dict[str, Any] | None:
        """The newest checkpoint that is whole, or None; each damaged one is passed over with a warning."""
        for name in self._newest_first():
            state = self._read(name)
            if state is not None:
                return state
        return None

    def save_final(self, state: Mapping[str, Any]) -> None:
        """Write what a finished training leaves behind, and remove its checkpoints."""
        with _clear_errors(self.folder):
            self._write(_FINAL, state)
            (self.folder / _LATEST).unlink(missing_ok=True)
            self._remove(self._newest_first())

    def load_final(self) -> dict[str, Any] | None:
        """What a finished training left behind, or None."""
        return self._read(_FINAL) if (self.folder / _FINAL).is_dir() else None

    def _remove(self, names: Iterable[str]) -> None:
        # What a kill left unfinished goes as well.
        for path in (*(self.folder / name for name in names), *self.folder.glob(".step-*")):
            shutil.rmtree(path, ignore_errors=True)

    def _newest_first(self) -> list[str]:
        names = sorted((path.name for path in self.folder.glob("step-*") if path.is_dir()), reverse=True)
        latest = self.folder / _LATEST
        first = latest.read_text().strip() if latest.is_file() else ""
        # A checkpoint newer than `latest` was never announced; it is tried after it.
        return sorted(names, key=lambda name: name != first)

    def _write(self, name: str, state: Mapping[str, Any]) -> None:
        text, tensors = snapshot.flatten(state)
        contents = {_TENSORS: save_tensors(tensors), _STATE: text.encode()}
        contents[_SUMS] = json.dumps(
            {file: _checksum(content) for file, content in contents.items()}
        ).encode()
        unfinished, place = self.folder / f".{name}", self.folder / name
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True)
            for file, content in contents.items():
                _write_file(unfinished / file, content)
            _force_folder(unfinished)
            # After a fallback a damaged checkpoint may still lie at this place.
            shutil.rmtree(place, ignore_errors=True)
            os.replace(unfinished, place)
            _force_folder(self.folder)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def _read(self, name: str) -> dict[str, Any] | None:
        place = self.folder / name
        try:
            sums = json.loads((place / _SUMS).read_bytes())
            contents = {file: (place / file).read_bytes() for file in (_TENSORS, _STATE)}
            wrong = [file for file, content in contents.items() if sums[file] != _checksum(content)]
        except (OSError, ValueError, KeyError, TypeError) as error:
            wrong, contents = [f"{_SUMS} or a file it names ({type(error).__name__})"], {}
        if wrong:
            _LOG.warning(
                "%s is damaged (%s); falling back to what was saved before it", place, ", ".join(wrong)
            )
            return None
        state: dict[str, Any] = snapshot.restore(contents[_STATE].decode(), load_tensors(contents[_TENSORS]))
        return state


@contextmanager
def _clear_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OctavoError(
            f"cannot write a checkpoint to {folder}: {reason}; free space there or choose another folder"
        ) from error


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _write_file(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _force_folder(folder: Path) -> None:
    # A rename is only safe against a power cut once the folder that holds the name is on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
