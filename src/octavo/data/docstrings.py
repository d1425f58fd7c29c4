"""A small collection that every machine has: what functions do, asked by the start of their docstring."""

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

from octavo.data.judged_texts import JudgedTexts
from octavo.data.registry import Entry

MODULES = (
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.signal",
    "scipy.spatial.distance",
    "scipy.special",
    "scipy.stats",
    "torch",
    "torch.nn.functional",
)
"""Whose public functions and classes are the documents: packages that octavo stands on."""

_SIGNATURE = re.compile(r"^[\w.]+\(.*?\)(\s*->.*)?$")
_WORDS = re.compile(r"[a-z]{3,}")


def load_docstrings(entry: Entry, *, modules: tuple[str, ...] = MODULES, queries: int = 300) -> JudgedTexts:
    """Find a function by what its docstring says first: a known-item collection.

    A query is the sentence that opens a docstring; the one relevant document is the rest of it. Neither has
    the function's name as a title, and documents shorter than 30 words are left out.

    Args:
        modules: whose public names are read.
        queries: how many of the documents are asked for, spread over all of them.
    """
    found: dict[str, tuple[str, str]] = {}
    seen: set[str] = set()
    for name, text in _docstrings(modules):
        first, rest = _opened(text)
        if len(_WORDS.findall(first.lower())) < 4 or len(_WORDS.findall(rest.lower())) < 30 or rest in seen:
            continue
        seen.add(rest)
        found[name] = first, rest
    every = max(1, len(found) // queries) if queries else 1
    asked = list(found)[::every][:queries]
    return JudgedTexts(
        entry.name,
        dict.fromkeys(found, ""),
        {name: rest for name, (_, rest) in found.items()},
        {name: found[name][0] for name in asked},
        {name: {name: 1} for name in asked},
    )


def _docstrings(modules: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for module_name in modules:
        module: Any = importlib.import_module(module_name)
        for name in sorted(set(getattr(module, "__all__", None) or dir(module))):
            thing = None if name.startswith("_") else inspect.getattr_static(module, name, None)
            if callable(thing) and (text := inspect.getdoc(thing)):
                yield f"{module_name}.{name}", text


def _opened(text: str) -> tuple[str, str]:
    """The paragraph that opens a docstring, behind a signature, and what follows it."""
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    parts = [part for part in parts if part and not _SIGNATURE.match(part)]
    return (parts[0], " ".join(parts[1:])) if parts else ("", "")
