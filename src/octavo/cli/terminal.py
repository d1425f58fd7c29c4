"""The terminal as rich sees it; plain text where standard output is a file or a pipe."""

import os
import sys

from rich.console import Console

VERDICT_STYLES = {
    "holds": "green",
    "in direction": "yellow",
    "does not hold": "red",
    "undecided": "magenta",
}


def console(to_stderr: bool = False) -> Console:
    """A console of the terminal's width; 100 columns where there is no terminal.

    Args:
        to_stderr: write to standard error, for progress and remarks beside JSON.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else 100
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False)


def marks() -> tuple[str, str]:
    """The marks for what is there and what is not, as the terminal's encoding allows."""
    encoding = (sys.stdout.encoding or "").lower()
    return ("●", "○") if encoding.startswith("utf") else ("*", "-")


def verdict_style(verdict: str) -> str:
    """The colour of a verdict; of `needs ...` blue, of a paper without records grey."""
    if verdict.startswith("needs"):
        return "blue"
    return next((style for start, style in VERDICT_STYLES.items() if verdict.startswith(start)), "dim")
