"""Tests see no network, one thread, run folders of their own, and shapes that are checked."""

import functools
import inspect
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before torch and the hub's client are imported: they read these once.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "Agg"
for variable in ("FORCE_COLOR", "COLUMNS", "OCTAVO_DEBUG"):
    os.environ.pop(variable, None)
_RUNS = tempfile.TemporaryDirectory(prefix="octavo-runs-")
os.environ["OCTAVO_RUNS"] = _RUNS.name

import jaxtyping  # noqa: E402
import pytest  # noqa: E402
from beartype.roar import BeartypeDecorHintException  # noqa: E402

CHECKED = (
    "octavo.nn",
    "octavo.sequence",
    "octavo.learning",
    "octavo.embedding",
    "octavo.retrieval",
    "octavo.language",
    "octavo.interpretability",
    "octavo.vision",
    "octavo.science",
)
_jaxtyped = jaxtyping.jaxtyped
_checking = True


def _jaxtyped_unless_compiling(*, typechecker: Any) -> Callable[[Any], Any]:
    """As `jaxtyping.jaxtyped`, but torch.compile sees the function itself: it cannot trace the checks."""
    check = _jaxtyped(typechecker=typechecker)

    def decorate(thing: Any) -> Any:
        if inspect.isclass(thing):
            # Its methods are decorated one by one; the __init__ of a dataclass may be wrapped further.
            return thing
        try:
            checked = check(thing)
        except BeartypeDecorHintException:
            # A hint that says nothing at run time, such as a protocol's.
            return thing
        torch = sys.modules.get("torch")
        if torch is None or not inspect.isfunction(thing):
            return checked

        @functools.wraps(thing)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (checked if _checking and not torch.compiler.is_compiling() else thing)(*args, **kwargs)

        # Who asks for its arguments gets its own: aeon refuses estimators that take any.
        call.__signature__ = inspect.signature(thing)  # type: ignore[attr-defined]
        return call

    return decorate


# The import hook decorates with this name.
jaxtyping.jaxtyped = _jaxtyped_unless_compiling
jaxtyping.install_import_hook(list(CHECKED), "beartype.beartype")


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes are not checked, as for a user: for tests of what the code itself says of a bad input."""
    monkeypatch.setattr(sys.modules[__name__], "_checking", False)


@pytest.fixture
def gpu() -> Any:
    """The device of tests that want a GPU; `OCTAVO_TEST_DEVICE` names another, to try them."""
    import torch

    named = os.environ.get("OCTAVO_TEST_DEVICE")
    if named is None and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    return torch.device(named or "cuda")


@pytest.fixture
def papers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for papers of one's own, which the catalogue sees."""
    folder = tmp_path / "papers"
    folder.mkdir()
    monkeypatch.setenv("OCTAVO_PAPERS", str(folder))
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every row of the furniture test that a paper leaves out, with its reason."""
    from octavo import catalogue
    from octavo.errors import OctavoError

    try:
        papers = [paper for paper in catalogue.papers() if paper.opt_outs]
    except OctavoError:
        return
    if papers:
        terminalreporter.section("rows of the furniture test that papers leave out", sep="-")
    for paper in papers:
        for row, reason in paper.opt_outs.items():
            terminalreporter.line(f"{paper.slug}: {row}: {reason}")
