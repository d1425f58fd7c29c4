"""Fetching a data set from its public origin: the only module here that asks the network, when told to."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from octavo.data.places import folder_for_downloads
from octavo.data.registry import Entry, File, MissingData, as_entry
from octavo.errors import OctavoError

if TYPE_CHECKING:
    from http.client import HTTPResponse

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that came and the bytes in all (0 where the server does not say)."""

_BLOCK = 1 << 18


def get(name: str | Entry, *, progress: Progress | None = None, timeout: float = 30.0) -> list[Path]:
    """Fetch a data set or a model from its public origin into `OCTAVO_DATA`, or into the cache without it.

    What is here already is not fetched again, a download that was cut short goes on where it stopped, and a
    file takes its name only when its checksum is right.

    Args:
        name: as `entries()` lists it; or an `Entry` of your own.
        progress: called as the bytes come.
        timeout: seconds without an answer after which the network counts as absent.

    Returns:
        The files; none for what is generated.

    Raises:
        MissingData: nothing is known to fetch; the message says how to place the files by hand.
        OctavoError: the network is absent, the disk is full, or what came is not what was expected.
    """
    entry = as_entry(name)
    if entry.present:
        return list(entry.files.values())
    if not entry.download:
        raise MissingData(entry.name, entry.how_to_get)
    folder = folder_for_downloads() / entry.folder
    for file in entry.download:
        fetch(file, folder / file.path, progress=progress, timeout=timeout)
    return [folder / file.path for file in entry.download]


def fetch(file: File, target: Path, *, progress: Progress | None = None, timeout: float = 30.0) -> None:
    """Fetch one file to `target`, unless it lies there with the right checksum.

    Raises:
        OctavoError: the network is absent, the disk is full, or the checksum is another one.
    """
    from filelock import FileLock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Two processes that write the same partial file would spoil it.
        with FileLock(target.parent / ".lock"):
            if target.is_file() and checksum(target, file.checksum) == file.checksum:
                return
            partial = target.with_name(f"{target.name}.part")
            goes_on = partial.is_file()
            _download(file, partial, progress, timeout)
            came = checksum(partial, file.checksum)
            if came != file.checksum and goes_on:
                # The beginning that lay here may have been another file's.
                partial.unlink()
                _download(file, partial, progress, timeout)
                came = checksum(partial, file.checksum)
            if came != file.checksum:
                partial.unlink()
                raise OctavoError(
                    f"{file.url}: its checksum is {came}, expected {file.checksum}; "
                    "nothing was kept, the origin has changed or the download was spoilt"
                )
            os.replace(partial, target)
    except OSError as error:
        raise OctavoError(
            f"cannot write {target} ({error.strerror or error}); free the disk or set OCTAVO_DATA"
        ) from error


def checksum(path: Path, like: str) -> str:
    """The checksum of a file, of the kind that `like` is of.

    Args:
        path: the file.
        like: a checksum `sha256:...`, or `git:...` for the id that git gives to the content.

    Raises:
        ValueError: the kind is neither.
    """
    kind = like.partition(":")[0]
    if kind == "sha256":
        digest = hashlib.sha256()
    elif kind == "git":
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    else:
        raise ValueError(f"checksum {like!r} is of no known kind; expected sha256:... or git:...")
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return f"{kind}:{digest.hexdigest()}"


def _download(file: File, partial: Path, progress: Progress | None, timeout: float) -> None:
    import http.client
    import ssl
    import urllib.error

    try:
        have = partial.stat().st_size if partial.is_file() else 0
        try:
            response = _open(file.url, have, timeout)
        except urllib.error.HTTPError as error:
            # 416: the partial file is as long as the whole or longer, so it does not fit this origin.
            if error.code != 416 or not have:
                raise
            have, response = 0, _open(file.url, 0, timeout)
        with response:
            # A server that does not know ranges answers 200 and sends all of it again.
            have = have if response.status == 206 else 0
            rest = int(response.headers.get("Content-Length") or 0)
            total = have + rest if rest else file.size
            with partial.open("ab" if have else "wb") as out:
                while block := response.read(_BLOCK):
                    out.write(block)
                    have += len(block)
                    if progress is not None:
                        progress(file.path, have, total)
        if total and have < total:
            raise http.client.IncompleteRead(b"", total - have)
    except urllib.error.HTTPError as error:
        raise OctavoError(
            f"{file.url} answered {error.code} {error.reason}; the origin may have moved"
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error
        raise OctavoError(
            f"cannot reach {urlsplit(file.url).netloc} ({reason}); connect to the network and run it again"
        ) from error
    except http.client.HTTPException as error:
        raise OctavoError(
            f"{file.url}: the download stopped ({error}); run it again to go on where it stopped"
        ) from error


def _open(url: str, first_byte: int, timeout: float) -> "HTTPResponse":
    from urllib.request import Request, urlopen

    if urlsplit(url).scheme not in ("http", "https"):
        raise OctavoError(f"{url}: only http and https are fetched")
    headers = {"User-Agent": "octavo", "Accept-Encoding": "identity"}
    if first_byte:
        headers["Range"] = f"bytes={first_byte}-"
    return urlopen(Request(url, headers=headers), timeout=timeout)
