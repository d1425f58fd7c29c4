"""Texts that every Python brings: programs and a manual, for runs without any data."""

import importlib
import inspect
import re
from functools import cache

_PROGRAMS = (
    "argparse",
    "ast",
    "configparser",
    "csv",
    "datetime",
    "difflib",
    "fractions",
    "heapq",
    "inspect",
    "json.decoder",
    "mailbox",
    "pathlib",
    "pickle",
    "random",
    "shutil",
    "statistics",
    "tarfile",
    "textwrap",
    "threading",
    "zipfile",
)


@cache
def programs(shortest: int = 2000) -> tuple[str, ...]:
    """Source code of the standard library, a module each, from its first definition on.

    Args:
        shortest: characters that a text has at least.

    Example:
        >>> len(programs()) > 15
        True
    """
    found = []
    for name in _PROGRAMS:
        source = inspect.getsource(importlib.import_module(name))
        # A module that only hands on what another one defines has nothing to read.
        if first := re.search(r"^(?:@|def |class )", source, re.MULTILINE):
            text = source[first.start() :]
            if len(text) >= shortest:
                found.append(text)
    return tuple(found)


@cache
def manual(shortest: int = 2000) -> tuple[str, ...]:
    """Chapters of the language reference that `help()` shows, with its marks of emphasis taken out.

    Args:
        shortest: characters that a text has at least.

    Example:
        >>> len(manual()) > 20
        True
    """
    from pydoc_data.topics import topics

    texts = []
    for name in sorted(topics):
        text = re.sub(r"\n\*{3,}\n|\n={3,}\n|\n-{3,}\n", "\n", topics[name])
        text = re.sub(r"[*\"`]", "", text).strip()
        if len(text) >= shortest:
            texts.append(text)
    # Some topics are one text under two names.
    return tuple(dict.fromkeys(texts))
