"""The command line: one module a command, loaded only when its command is called."""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from octavo import __version__
from octavo.errors import OctavoError

COMMANDS = {
    "papers": "the papers, shelf by shelf, and which of them run",
    "show": "one paper: its claims, its verdicts, how to import and run it",
    "search": "find papers by words",
    "run": "measure a paper's claims on this machine",
    "verify": "measure again, and say what left the published interval",
    "demo": "try a paper on something small",
    "ledger": "every claim with its verdict, from the published records",
    "compare": "every system that was measured on a data set, best first",
    "data": "data sets and pretrained models: what is here, how to get the rest",
    "train-weights": "train the small weights that come with a paper",
    "publish": "put a run's records into the ledger",
    "new": "write the furniture of a new paper",
    "check": "say what a paper still lacks",
    "page": "the papers as a web page, with search, demos and a digest",
}
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: what follows `octavo`; that of this process when left out.

    Returns:
        The exit code: 0, 1 for a run that failed, 2 for a request that cannot be met, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal without UTF-8 gets question marks, not a traceback.
            stream.reconfigure(errors="replace")
    try:
        code = _dispatch(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
        return code
    except OctavoError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("stopped; what was measured is kept, and the same command goes on from there", 130)
    except BrokenPipeError:
        # The reader has left (`octavo papers | head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno in _UNWRITABLE:
            where = f": {error.filename}" if error.filename else ""
            return _say(f"cannot write, {(error.strerror or 'refused').lower()}{where}", 2)
        return _unexpected(error)
    except Exception as error:
        return _unexpected(error)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"octavo {__version__}")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        kind = "option" if name.startswith("-") else "command"
        hint = f"Did you mean {near[0]}?" if near else "`octavo --help` lists the commands."
        raise OctavoError(f"There is no {kind} {name!r}. {hint}")
    command = import_module(f"octavo.cli.{name.replace('-', '_')}")
    code: int = command.main(rest)
    return code


def _help() -> str:
    commands = "\n".join(f"  {name:<13} {summary}" for name, summary in COMMANDS.items())
    return (
        "usage: octavo COMMAND ...\n\n"
        "Papers that run: each is imported in one line, run in one command,\n"
        "and judged against its own abstract.\n\n"
        f"{commands}\n\n"
        "octavo COMMAND --help   what a command takes\n"
        "octavo papers           where to begin"
    )


def _say(message: str, code: int) -> int:
    print("octavo: " + " ".join(message.split()), file=sys.stderr)
    return code


def _unexpected(error: Exception) -> int:
    if os.environ.get("OCTAVO_DEBUG"):
        traceback.print_exception(error)
        return 1
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="octavo-", suffix=".traceback", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exception(error, file=file)
        where = f"the traceback is in {file.name}"
    except OSError:
        where = "OCTAVO_DEBUG=1 prints the traceback"
    return _say(f"unexpected {type(error).__name__}: {error}; {where}", 1)
