"""What a process that runs a demo may do: so much time and memory, no network, no files but its own."""

import ctypes
import os
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from octavo.data.places import cache_folder
from octavo.page.settings import DemoLimits

NEW_NETWORK = 0x40000000
LARGEST_FILE = 256 << 20

_NETWORK = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}
_PROCESSES = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "os.kill",
}
_CHANGES = {
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown",
    "os.truncate",
}  # fmt: skip
_OTHER = {"ctypes.dlopen", "os.setxattr", "shutil.chown", "sys.addaudithook", "pty.spawn"}
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/dev",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys",
    "/etc",
)


class Refused(PermissionError):
    """The demo tried something that demos of a page may not do."""


def lock(scratch: Path, limits: DemoLimits, memory: int | None = None) -> None:
    """Binds this process, for good.

    Args:
        scratch: the one folder, beside octavo's cache, where files may be written.
        limits: how much it may take.
        memory: bytes of address space beyond what is mapped now; of `limits` where left out.
    """
    os.setsid()
    os.nice(5)
    os.chdir(scratch)
    cache = cache_folder()
    os.environ.update(HF_HUB_OFFLINE="1", TMPDIR=str(scratch), HOME=str(scratch), OCTAVO_CACHE=str(cache))
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for kind, most in (
        (resource.RLIMIT_CPU, int(limits.seconds) + 1),
        (resource.RLIMIT_AS, mapped + (limits.memory if memory is None else memory)),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # A network of its own has no way out. Where the system does not grant one, the hook below is the guard.
    ctypes.CDLL(None).unshare(NEW_NETWORK)
    _guard(writable=(scratch, cache), readable=_readable(scratch))


def _readable(scratch: Path) -> list[Path]:
    """What Python, the libraries, the data and the fonts need to be read."""
    import octavo

    roots = [scratch, cache_folder(), Path(octavo.__file__).parents[1], *map(Path, _SYSTEM)]
    roots += [Path(each) for each in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path) if each]
    roots += [
        Path(each)
        for name in ("OCTAVO_DATA", "OCTAVO_PAPERS")
        for each in os.environ.get(name, "").split(":")
        if each
    ]
    return roots


def _guard(writable: Iterable[Path], readable: Iterable[Path]) -> None:
    may_write = tuple(_folder(each) for each in writable)
    may_read = tuple(_folder(each) for each in readable)

    def hook(event: str, details: tuple[Any, ...]) -> None:
        if event == "open":
            _check_open(details, may_read, may_write)
        elif event in _NETWORK:
            raise Refused("A demo of this page has no network.")
        elif event in _PROCESSES:
            raise Refused("A demo of this page starts no processes.")
        elif event in _CHANGES and not _inside(details[0], may_write):
            raise Refused("A demo of this page changes no files but its own.")
        elif event in _OTHER and not (event == "ctypes.dlopen" and _inside(details[0], may_read)):
            raise Refused("A demo of this page may not do that.")

    sys.addaudithook(hook)


def _check_open(details: tuple[Any, ...], may_read: tuple[str, ...], may_write: tuple[str, ...]) -> None:
    path, mode, flags = details
    if isinstance(path, int):
        return
    writes = any(letter in (mode or "") for letter in "wax+") or bool(
        (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    )
    if writes and not _inside(path, (*may_write, "/dev/null", "/dev/shm/")):
        raise Refused("A demo of this page writes no files but its own.")
    if not writes and not _inside(path, may_read):
        raise Refused("A demo of this page reads no files of this machine.")


def _folder(path: Path) -> str:
    return os.path.realpath(path)


def _inside(path: Any, roots: tuple[str, ...]) -> bool:
    if path is None:
        return True
    real = os.path.realpath(os.fsdecode(path) if isinstance(path, bytes) else str(path))
    return any(real == root or real.startswith(root.rstrip("/") + "/") for root in roots)
