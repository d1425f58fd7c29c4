"""Where and with what a number was measured, without a word about whose machine it was."""

import hashlib
import os
import platform
import resource
import subprocess
import sys
import time
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from octavo import __version__
from octavo.lab.timing import available_cores, load_average

PACKAGES = ("torch", "numpy", "scipy", "transformers", "accelerate", "sentence-transformers", "peft", "aeon")


@cache
def machine() -> dict[str, Any]:
    """The versions, the commit and the hardware: what stays the same while the process lives.

    Example:
        >>> "python" in machine() and platform.node() not in str(machine()).split("'")
        True
    """
    return {
        "octavo": __version__,
        **_commit(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _processor(),
        "cores": available_cores(),
        "memory_gib": _memory(),
    }


def code_hash(folder: Path) -> str:
    """Eight hexadecimal digits of a paper's code: all Python of its room, except the demo.

    Example:
        >>> len(code_hash(Path(__file__).parent))
        8
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.name != "demo.py":
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


class Stopwatch:
    """Started with a unit of work; `provenance` says what it cost and where it ran.

    Example:
        >>> Stopwatch().provenance(device="cpu", threads=1)["device"]
        'cpu'
    """

    def __init__(self) -> None:
        self._load = load_average()
        self._wall, self._processor_time = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """By the wall's clock, so far."""
        return time.perf_counter() - self._wall

    def provenance(self, *, device: str, threads: int, code: str = "") -> dict[str, Any]:
        """One dictionary for the unit's line.

        Args:
            device: where it was trained and measured.
            threads: threads of torch.
            code: the hash of the paper's code.
        """
        return {
            **machine(),
            "code": code,
            "device": device,
            **_graphics(device),
            "threads": threads,
            "determinism": _determinism(device),
            "load_start": round(self._load, 2),
            "load_end": round(load_average(), 2),
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(time.process_time() - self._processor_time, 3),
            "peak_memory_mib": _peak_memory(),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": command(),
        }


def command() -> list[str]:
    """How the process was started, with the folders of the machine left out.

    Example:
        >>> any(argument.startswith("/") for argument in command())
        False
    """
    arguments = [sys.argv[0], *sys.argv[1:]] if sys.argv else []
    return [_without_folder(argument) for argument in arguments]


def _without_folder(argument: str) -> str:
    flag, equals, value = argument.partition("=")
    if equals and _is_folder(value):
        return f"{flag}={Path(value).name}"
    return Path(argument).name if _is_folder(argument) else argument


def _is_folder(value: str) -> bool:
    return os.path.isabs(value) or value.startswith("~") or ".." in Path(value).parts


def _commit() -> dict[str, Any]:
    here = Path(__file__).resolve().parent
    try:
        top = Path(_git(here, "rev-parse", "--show-toplevel"))
        # An environment inside some other checkout is not a checkout of octavo.
        if not here.is_relative_to(top / "src"):
            return {"commit": "", "dirty": None}
        return {
            "commit": _git(here, "rev-parse", "HEAD"),
            "dirty": bool(_git(top, "status", "--porcelain", "--untracked-files=no", "--", "src")),
        }
    except (OSError, subprocess.SubprocessError):
        return {"commit": "", "dirty": None}


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0


def _peak_memory() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _graphics(device: str) -> dict[str, Any]:
    torch: Any = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return {}
    return {
        "gpu": torch.cuda.get_device_name(device),
        "cuda": torch.version.cuda,
        "peak_gpu_memory_mib": round(torch.cuda.max_memory_allocated(device) / 2**20, 1),
        "tf32": torch.backends.cuda.matmul.allow_tf32,
    }


def _determinism(device: str) -> str:
    # Torch is not loaded for a unit that never needed it.
    if device == "cpu":
        return "D1+D2+D3"
    from octavo.lab.determinism import levels

    return levels(device)
