"""The shelves: a public name is imported when it is used, and no sooner."""

import importlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from octavo import catalogue

CARD = """
title = "Ants as a Sorting Network"
arxiv = "2101.00001"
year = 2021
authors = ["Ada Ant"]
venue = "preprint"
summary = "Ants sort."
tasks = ["sequence modelling"]
public = ["Ants", "Queen"]
"""
CODE = '''"""Ants."""

from octavo.learning.ants.colony import Ants

__all__ = ["Ants"]
'''


def put(root: Path, slug: str, card: str = CARD, code: str = CODE) -> Path:
    folder = root / "learning" / slug
    folder.mkdir(parents=True)
    (folder / "paper.toml").write_text(card)
    (folder / "__init__.py").write_text(code)
    (folder / "colony.py").write_text('"""The colony."""\n\n\nclass Ants:\n    """Ants."""\n')
    return folder


@pytest.fixture
def ants(papers_folder: Path) -> Iterator[Path]:
    """A paper of one's own on the shelf `learning`, which is forgotten afterwards."""
    yield put(papers_folder, "ants")
    shelf = importlib.import_module("octavo.learning")
    for name in [name for name in sys.modules if name.startswith("octavo.learning.ants")]:
        del sys.modules[name]
    for name in ("ants", "Ants"):
        vars(shelf).pop(name, None)


def test_importing_the_shelves_imports_nothing_heavy() -> None:
    program = "import sys\n" + "".join(f"import octavo.{shelf}\n" for shelf in catalogue.SHELVES)
    program += "".join(f"dir(octavo.{shelf}); octavo.{shelf}.__all__\n" for shelf in catalogue.SHELVES)
    program += (
        "heavy = {'torch', 'numpy', 'einops', 'jaxtyping', 'matplotlib', 'transformers', 'octavo.lab'}\n"
        "print(sorted(heavy & set(sys.modules)), [name for name in sys.modules if name.count('.') > 1 "
        "and name.startswith('octavo') and not name.startswith('octavo.catalogue')])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["[]", "[]"]


@pytest.mark.parametrize("shelf", catalogue.SHELVES)
def test_shelf_lists_its_public_names(shelf: str) -> None:
    module = importlib.import_module(f"octavo.{shelf}")
    papers = [paper for paper in catalogue.papers() if paper.shelf == shelf]
    names = {name for paper in papers for name in paper.public}
    assert set(module.__all__) == names
    assert names | {paper.slug for paper in papers} <= set(dir(module))
    assert not {"lazy_shelf", "read"} & set(dir(module))
    first, empty, second = (module.__doc__ or "").strip().split("\n")
    assert first.endswith(".")
    assert second.endswith(".")
    assert not empty


def test_name_is_imported_when_used_and_kept(ants: Path) -> None:
    shelf = importlib.import_module("octavo.learning")
    assert "octavo.learning.ants" not in sys.modules
    assert "Ants" in dir(shelf)
    assert "octavo.learning.ants" not in sys.modules
    from octavo.learning import Ants

    assert Ants.__module__ == "octavo.learning.ants.colony"
    assert vars(shelf)["Ants"] is Ants


def test_paper_is_an_attribute_of_its_shelf(ants: Path) -> None:
    shelf = importlib.import_module("octavo.learning")
    assert shelf.ants.Ants is importlib.import_module("octavo.learning.ants.colony").Ants


def test_paper_without_code_is_no_obstacle(papers_folder: Path) -> None:
    put(papers_folder, "ants", CARD.replace('public = ["Ants", "Queen"]', "")).joinpath(
        "__init__.py"
    ).unlink()
    assert "ants" in dir(importlib.import_module("octavo.learning"))


def test_unknown_name_is_suggested(ants: Path) -> None:
    shelf = importlib.import_module("octavo.learning")
    with pytest.raises(AttributeError, match=r"octavo\.learning has no 'Antz'\. Did you mean Ants"):
        _ = shelf.Antz
    with pytest.raises(AttributeError, match=r"octavo\.learning has no 'xyzzy'\.$"):
        _ = shelf.xyzzy
    assert not hasattr(shelf, "__wrapped__")
    with pytest.raises(ImportError, match="Antz"):
        from octavo.learning import Antz  # noqa: F401


def test_name_that_a_card_promises_in_vain(ants: Path) -> None:
    shelf = importlib.import_module("octavo.learning")
    with pytest.raises(
        AttributeError, match=r"ants.paper\.toml says that 'Queen' is public, but octavo\.learning"
    ):
        _ = shelf.Queen


def test_wrong_card_hides_no_other_paper(ants: Path) -> None:
    put(ants.parents[1], "bees", CARD.replace("2021", "'soon'").replace("Ants", "Bees"))
    shelf = importlib.import_module("octavo.learning")
    assert shelf.Ants.__name__ == "Ants"
    with pytest.raises(
        AttributeError, match=r"has no 'Bees'.* Besides, .*bees.paper\.toml: year: found 'soon'"
    ):
        _ = shelf.Bees


def test_folder_that_is_not_there_hides_no_paper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OCTAVO_PAPERS", str(tmp_path / "nowhere"))
    assert "sortednet" in dir(importlib.import_module("octavo.learning"))


def test_spawned_process_finds_the_paper_too(ants: Path) -> None:
    program = "from octavo.learning import Ants; import octavo.learning.ants; print(Ants.__module__)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "octavo.learning.ants.colony"


def name_and_process(module: str) -> str:
    return f"{importlib.import_module(module).__name__} {os.getpid()}"


def test_process_of_a_pool_finds_the_paper_too(ants: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        module, process = pool.apply(name_and_process, ("octavo.learning.ants",)).split()
    assert module == "octavo.learning.ants"
    assert int(process) != os.getpid()
