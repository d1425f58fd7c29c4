"""Where data lie: the folder of `OCTAVO_DATA`, and the cache of this machine."""

import os
from collections.abc import Iterable
from pathlib import Path

from octavo.errors import OctavoError


def cache_folder() -> Path:
    """The folder for what octavo downloads or converts: `OCTAVO_CACHE`, or `octavo` in the user's cache.

    Example:
        >>> cache_folder().is_absolute()
        True
    """
    if named := os.environ.get("OCTAVO_CACHE"):
        return Path(named).expanduser().absolute()
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user_cache).expanduser().absolute() / "octavo"


def data_folders() -> tuple[Path, ...]:
    """The folders that are searched for data sets, in this order: `OCTAVO_DATA`, then the cache."""
    named = os.environ.get("OCTAVO_DATA")
    cache = cache_folder() / "data"
    return (Path(named).expanduser().absolute(), cache) if named else (cache,)


def find_file(folder: str, name: str) -> Path | None:
    """The first place where a file of a data set lies, as it is or compressed with gzip.

    Args:
        folder: the data set's folder inside the searched ones.
        name: the file's name without `.gz`.
    """
    for root in data_folders():
        for candidate in (root / folder / name, root / folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    return None


def find_files(folder: str, names: Iterable[str]) -> dict[str, Path] | None:
    """The places of all the named files, or None where one of them lacks."""
    found: dict[str, Path] = {}
    for name in names:
        path = find_file(folder, name)
        if path is None:
            return None
        found[name] = path
    return found


def folder_for_downloads() -> Path:
    """The folder that downloads are written to: `OCTAVO_DATA` where it is set, the cache otherwise.

    Raises:
        OctavoError: the folder cannot be made or written to.
    """
    folder = data_folders()[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OctavoError(
            f"cannot make the data folder {folder} ({error.strerror}); set OCTAVO_DATA to a folder you own"
        ) from error
    if not os.access(folder, os.W_OK):
        raise OctavoError(f"cannot write to the data folder {folder}; set OCTAVO_DATA to a folder you own")
    return folder
