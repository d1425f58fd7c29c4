"""`octavo page ...`: the web page, what it imports, and what it sends."""

import os
from difflib import get_close_matches
from importlib import import_module

from octavo.errors import OctavoError

COMMANDS = {
    "serve": "open the page on this machine",
    "import": "put papers in: the library, arXiv, daily lists, your own",
    "embed": "make papers findable by meaning",
    "trending": "the papers that are warm now, and the formula",
    "audit": "compute the order anew from the logs",
    "digest": "write the digests that are due, and send them",
}
"""The commands, each a module of its name beside this file."""
_MODULES = {"import": "importing"}


ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Set before numpy is imported: a short request is slower on threads that wait for each other than on one."""


def main(arguments: list[str]) -> int:
    """Runs one of the page's commands."""
    if not arguments or arguments[0] in ("-h", "--help"):
        lines = "\n".join(f"  {name:<9} {summary}" for name, summary in COMMANDS.items())
        print(
            f"usage: octavo page COMMAND ...\n\n{lines}\n\noctavo page COMMAND --help   what a command takes"
        )
        if arguments:
            # As every command does when it is asked for help.
            raise SystemExit(0)
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`octavo page --help` lists them."
        raise OctavoError(f"There is no command `octavo page {name}`. {hint}")
    if name == "serve":
        for variable in ONE_THREAD:
            os.environ.setdefault(variable, "1")
    try:
        command = import_module(f"octavo.cli.page.{_MODULES.get(name, name)}")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("octavo"):
            raise
        raise OctavoError(f"The page needs {error.name}: pip install 'octavo[page]'") from None
    code: int = command.main(rest)
    return code
