"""An import only points down: the floors of the house, held."""

import ast
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import octavo

ROOT = Path(octavo.__file__).resolve().parent
SHELVES = (
    "sequence",
    "learning",
    "embedding",
    "retrieval",
    "language",
    "interpretability",
    "vision",
    "science",
)
FLOORS = {
    **dict.fromkeys(("errors", "__init__"), 0),
    **dict.fromkeys(("nn", "data", "lab", "catalogue"), 1),
    **dict.fromkeys(SHELVES, 2),
    "runner": 3,
    # It measures again what is published, so it stands on the runner.
    "ledger": 3.5,
    "page": 4,
    # One of its commands opens the page.
    "cli": 4.5,
    "__main__": 5,
}
# A paper that builds on another, and imports its public names.
BUILDS_ON = {
    ("embedding.matryoshka_2d", "embedding.matryoshka"),
    ("language.sorted_llama", "learning.sortednet"),
}
# What the command line needs before it knows that tensors are wanted.
LIGHT = ("octavo", "octavo.errors", "octavo.catalogue", "octavo.cli", "octavo.page", "octavo.sequence")
HEAVY = (
    "torch",
    "numpy",
    "matplotlib",
    "transformers",
    "scipy",
    "pandas",
    "rich",
    "tyro",
    "aeon",
    "ray",
    "fastapi",
    "sqlalchemy",
    "faiss",
)


def modules() -> Iterator[tuple[str, Path]]:
    """Every module below `octavo`, by its name without `octavo.`, with its file."""
    for file in sorted(ROOT.rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), file


def imports(name: str, file: Path) -> Iterator[str]:
    """The modules of octavo that a file imports, wherever in it, without `octavo.`."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ["octavo", *package.split(".")] if package != "__init__" else ["octavo"]
            base = above[: len(above) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (each.removeprefix("octavo.") for each in found if each.startswith("octavo."))


def wrong(name: str, target: str) -> str | None:
    """Why module `name` may not import `target`; None where it may."""
    room, top = name.split(".")[0], target.split(".")[0]
    if top not in FLOORS:
        return None if top.startswith("__") else f"{top} has no floor"
    if room == top and room not in SHELVES:
        return None
    if room not in SHELVES:
        return None if FLOORS[top] < FLOORS[room] else f"{room} and {top}: an import only points down"
    if top in SHELVES:
        mine, theirs = ".".join(name.split(".")[:2]), ".".join(target.split(".")[:2])
        if mine == theirs:
            return None
        if (mine, theirs) not in BUILDS_ON:
            return "papers do not import each other"
        return None if len(target.split(".")) == 3 else "of another paper, only public names"
    if FLOORS[top] > 2:
        return f"a paper knows nothing of {top}"
    if top == "catalogue":
        return None if name in SHELVES else "only a shelf's __init__ asks the catalogue"
    if target.startswith("lab.bounds.") and name.endswith(".scales"):
        # An experiment's sizes are of the experiment; they say in their types what they may be.
        return None
    if top in ("lab", "data") and not {"experiment", "demo", "parts"} & set(name.split(".")[2:]):
        return f"only experiment.py, its parts and demo.py import {top}"
    return None


ALL = list(modules())


@pytest.mark.parametrize(("name", "file"), ALL, ids=[name for name, _ in ALL])
def test_an_import_only_points_down(name: str, file: Path) -> None:
    assert name.split(".")[0] in FLOORS, f"{name} stands on no floor: give {name.split('.')[0]} one here"
    broken = {target: why for target in imports(name, file) if (why := wrong(name, target))}
    assert not broken


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("lab.fit", "data.load"),
        ("data.registry", "catalogue.papers"),
        ("lab.records", "ledger.judge"),
        ("catalogue.find", "runner.plan"),
        ("runner.plan", "ledger.judge"),
        ("ledger.judge", "cli.main"),
        ("page.web", "cli.main"),
        ("ledger.judge", "page.store"),
        ("sequence.aaren.attention", "lab.Lab"),
        ("sequence.aaren.tasks", "data.load"),
        ("sequence.aaren.experiment", "runner.run"),
        ("sequence.aaren.experiment", "catalogue.paper"),
        ("sequence.aaren.attention", "sequence.recurrent.GRU"),
        ("language.sorted_llama.layers", "learning.sortednet.layers.Nested"),
        ("errors", "lab.Lab"),
    ],
)
def test_the_rules_refuse(name: str, target: str) -> None:
    assert wrong(name, target)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("lab.fit", "errors.Missing"),
        ("lab.fit", "lab.records.Record"),
        ("sequence.aaren.attention", "nn.scan"),
        ("sequence.aaren.experiment", "lab.Lab"),
        ("sequence.aaren.demo", "data.load"),
        ("science.mgno.parts.accuracy", "lab.Lab"),
        ("sequence.aaren.tasks", "sequence.aaren.attention.Aaren"),
        ("sequence", "catalogue.lazy_shelf"),
        ("language.sorted_llama.layers", "learning.sortednet.Nested"),
        ("cli.run", "runner.run"),
        ("cli.page", "page.store"),
        ("cli", "__version__"),
    ],
)
def test_the_rules_allow(name: str, target: str) -> None:
    assert wrong(name, target) is None


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("module", LIGHT)
def test_imports_nothing_heavy(module: str) -> None:
    loaded = python(f"import sys, {module}; print(*sorted(sys.modules))").split()
    assert not set(HEAVY) & set(loaded)


def fastest(command: list[str], repeats: int = 5) -> float:
    """The least processor time of a few: what the code costs, not what else the machine does."""
    times = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(times)


@pytest.mark.skipif(os.environ.get("COVERAGE_RUN") is not None, reason="tracing makes everything slower")
@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        (["-c", "import octavo"], 0.1),
        (["-m", "octavo", "--help"], 0.4),
        (["-m", "octavo", "papers"], 0.4),
    ],
    ids=["import octavo", "octavo --help", "octavo papers"],
)
def test_answers_at_once(arguments: list[str], limit: float) -> None:
    assert fastest([sys.executable, *arguments]) < limit
