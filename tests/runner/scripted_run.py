"""A run as a program: python scripted_run.py PAPER SCALE JOBS [FIELD=VALUE ...]."""

import ast
import sys

from octavo import runner
from octavo.errors import OctavoError


def main(paper: str, scale: str, jobs: str, *settings: str) -> int:
    overrides = {name: ast.literal_eval(value) for name, value in (s.split("=", 1) for s in settings)}
    try:
        outcome = runner.run(runner.plan(paper, scale, overrides), jobs=int(jobs))
    except OctavoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if outcome.first:
        print(outcome.run.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
