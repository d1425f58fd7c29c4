"""The registry of named data sets and pretrained models: what each is, whether it is here, how it loads."""

import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from octavo.data.places import data_folders, find_files
from octavo.errors import Missing, OctavoError


class MissingData(Missing):
    """A data set or a pretrained model is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class File:
    """One file of a public origin, with the checksum that it must have.

    Args:
        url: where it is downloaded from.
        checksum: `sha256:` and its digest, or `git:` and the id under which a repository keeps the content.
        path: its name in the data set's folder.
        size: bytes, 0 where the origin does not say.
    """

    url: str
    checksum: str
    path: str
    size: int = 0


@dataclass(frozen=True)
class Entry:
    """What is known of a data set or a pretrained model without loading it.

    Its files come from an installed package or from a folder of `OCTAVO_DATA`, or it is generated.

    Args:
        name: the name that `load` takes.
        kind: a data set or a pretrained model.
        title: one line that says what it is.
        licence: as its makers state it.
        origin: where it comes from, as a sentence.
        homepage: where to read more.
        loader: `module:function`; the module is imported at the first load.
        size: bytes on disk, about.
        package: an installed package that brings the files.
        install: the command that installs this package.
        package_files: the files inside the package.
        folder: the folder under `OCTAVO_DATA`.
        layouts: the sets of files that make it complete, any one of them suffices.
        download: the files that `get` fetches.
        by_hand: what to do where nothing can be fetched with a known checksum.
        generated: made on the spot from a seed.
        options: fixed arguments of the loader.
    """

    name: str
    kind: Literal["data", "model"]
    title: str
    licence: str
    origin: str
    homepage: str
    loader: str
    size: int = 0
    package: str = ""
    install: str = ""
    package_files: tuple[str, ...] = ()
    folder: str = ""
    layouts: tuple[tuple[str, ...], ...] = ()
    download: tuple[File, ...] = ()
    by_hand: str = ""
    generated: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def files(self) -> dict[str, Path]:
        """The files as they lie on this machine, by name; empty where the entry is not complete."""
        if self.package and (found := self._files_in_package()):
            return found
        for layout in self.layouts:
            if placed := find_files(self.folder, layout):
                return placed
        return {}

    @property
    def place(self) -> Path:
        """The folder of a model's files, which its config lies in.

        Raises:
            MissingData: it is not on this machine.
        """
        found = self.files
        if not found:
            raise MissingData(self.name, self.how_to_get)
        return min(found.values(), key=lambda path: len(path.parts)).parent

    @property
    def present(self) -> bool:
        """Whether `load` would find it now; nothing is imported and no network is asked."""
        return self.generated or bool(self.files)

    @property
    def size_on_disk(self) -> int:
        """Bytes that its files take on this machine, 0 where it is not here."""
        return sum(path.stat().st_size for path in self.files.values())

    @property
    def how_to_get(self) -> str:
        """What to do to get it, as a sentence."""
        if self.generated:
            return "It is generated; nothing is needed."
        ways = []
        if self.package:
            ways.append(f"install {self.package}: `{self.install}`")
        if self.download:
            ways.append(f"run `octavo data get {self.name}`")
        if self.folder:
            wanted = [f"{self.folder}/{name}" for name in self.layouts[0]]
            told = wanted[0] if len(wanted) == 1 else f"{wanted[0]} and {len(wanted) - 1} more"
            ways.append(self.by_hand or f"set OCTAVO_DATA to a folder that holds {told}")
        sentence = ", or ".join(ways)
        sentence = f"{sentence[0].upper()}{sentence[1:]}."
        named = data_folders()[0]
        if self.folder and not named.is_dir() and len(data_folders()) > 1:
            sentence += f" (OCTAVO_DATA names {named}, which is not a folder.)"
        return sentence

    def load(self, **options: Any) -> Any:
        """Load it; see `octavo.data.load`."""
        if not self.present:
            raise MissingData(self.name, self.how_to_get)
        module, function = self.loader.split(":")
        return getattr(importlib.import_module(module), function)(self, **{**self.options, **options})

    def _files_in_package(self) -> dict[str, Path]:
        specification = importlib.util.find_spec(self.package)
        if specification is None or not specification.submodule_search_locations:
            return {}
        root = Path(specification.submodule_search_locations[0])
        found = {name: root / name for name in self.package_files}
        return found if all(path.is_file() for path in found.values()) else {}


@cache
def _registry() -> dict[str, Entry]:
    from octavo.data.listing import ENTRIES

    return {entry.name: entry for entry in ENTRIES}


def entries() -> list[Entry]:
    """All data sets and pretrained models, in the order of the listing.

    Example:
        >>> sorted({entry.kind for entry in entries()})
        ['data', 'model']
    """
    return list(_registry().values())


def entry(name: str) -> Entry:
    """The entry of that name.

    Raises:
        OctavoError: no entry has this name; the message suggests near ones.

    Example:
        >>> entry("ETTh1").folder
        'ett'
    """
    known = _registry()
    if name in known:
        return known[name]
    lowered = {other.lower(): other for other in known}
    near = [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    advice = f"did you mean {' or '.join(near)}?" if near else "`octavo data` lists them all"
    raise OctavoError(f"no data set or model is named {name!r}; {advice}")


def available(name: str | Entry) -> bool:
    """Whether `load(name)` would find it now, at the cost of looking for its files.

    Example:
        >>> available("Sin")
        True
    """
    return as_entry(name).present


def load(name: str | Entry, **options: Any) -> Any:
    """Load a data set or a pretrained model by its name, never over the network.

    Args:
        name: as `entries()` lists it; or an `Entry` of your own.
        options: passed on to the loader of that kind, such as `device=` for a model.

    Raises:
        MissingData: it is not on this machine; the message says how to get it.
        OctavoError: the name is unknown, or a file is not in the format that it should have.

    Example:
        >>> load("Sin").n_marks
        1
    """
    return as_entry(name).load(**options)


def load_each(names: Iterable[str | Entry]) -> Iterator[Any]:
    """Load the data sets that are here, in turn; those that are not are reported when the rest is done.

    Args:
        names: as for `load`.

    Raises:
        MissingData: at the end, the first that is not on this machine.

    Example:
        >>> [found.n_marks for found in load_each(["Sin"])]
        [1]
    """
    missing: MissingData | None = None
    for name in names:
        try:
            found = load(name)
        except MissingData as error:
            missing = missing or error
            continue
        yield found
    if missing:
        raise missing


def as_entry(name: str | Entry) -> Entry:
    """The entry itself, where a name or an entry may be given."""
    return name if isinstance(name, Entry) else entry(name)
