"""The catalogue: every paper is there, a wrong card says what is wrong, and names and words find papers."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo import catalogue, data
from octavo.catalogue import CardError, did_you_mean, suggest
from octavo.errors import OctavoError

COUNTS = {
    "sequence": 6,
    "learning": 8,
    "embedding": 7,
    "retrieval": 4,
    "language": 8,
    "interpretability": 4,
    "vision": 5,
    "science": 3,
}

PACKAGE = catalogue.roots()[0]
OURS = [paper for paper in catalogue.papers() if PACKAGE in paper.folder.parents]

CARD: dict[str, Any] = {
    "title": "Ants as a Sorting Network",
    "arxiv": "2101.00001",
    "year": 2021,
    "authors": ["Ada Ant", "Émile Müller"],
    "venue": "preprint",
    "summary": "Ants carry items past each other.\nThey end in order.",
    "tasks": ["sequence modelling"],
    "public": ["Ants"],
    "data": ["BasicMotions"],
    "code": "https://example.org/ants",
    "opt_outs": {"compile": "ants do not compile"},
}
CLAIM: dict[str, Any] = {
    "id": "sorted",
    "says": "Ants sort by carrying.",
    "figure": "99.1 %",
    "source": "Table 2",
    "kind": "at least",
    "condition": "accuracy(ants, heap) >= 0.99",
    "seeds": 3,
    "unit": "accuracy",
    "needs": ["gpu"],
    "scale": "laptop",
    "replicates": "seed",
    "controls": ["constant"],
    "margin_why": "A rounded figure.",
    "caveat": "One heap.",
    "later": "Bees do it too.",
    "later_source": "arXiv 2202.00002",
}
REQUIRED = ("title", "arxiv", "year", "authors", "venue", "summary", "tasks")
REQUIRED_OF_CLAIM = ("id", "says", "figure", "source", "kind", "condition", "seeds")


@pytest.fixture(autouse=True)
def _no_papers_of_whoever_runs_this(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTAVO_PAPERS", raising=False)


def toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value)


def write(root: Path, card: dict[str, Any], slug: str = "ants", shelf: str = "sequence") -> Path:
    file = root / shelf / slug / "paper.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in card.items()), encoding="utf-8")
    return file


def without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


def error_of(file: Path) -> CardError:
    with pytest.raises(CardError) as caught:
        catalogue.read_card(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


# The papers of octavo


def test_all_45_papers_are_there() -> None:
    papers = catalogue.papers()
    assert Counter(paper.shelf for paper in papers) == COUNTS
    assert len(papers) == 45
    assert [paper.shelf for paper in papers] == [
        shelf for shelf, count in COUNTS.items() for _ in range(count)
    ]
    assert list(catalogue.SHELVES) == list(COUNTS)


@pytest.mark.parametrize("paper", OURS, ids=lambda paper: paper.slug)
def test_card_is_complete(paper: catalogue.Paper) -> None:
    assert paper.year == 2000 + int(paper.arxiv[:2])
    assert len(re.findall(r"[.!?](?=\s|$)", paper.summary)) in (2, 3), paper.summary
    assert 120 <= len(paper.summary) <= 500
    assert paper.folder == PACKAGE / paper.shelf / paper.slug
    assert paper.runs == bool(paper.claims), "an experiment without claims, or claims without an experiment"
    assert bool(paper.public) == (paper.folder / "__init__.py").is_file()


def test_cards_name_data_that_exist() -> None:
    known = {entry.name for entry in data.entries()}
    for paper in OURS:
        assert set(paper.data) <= known, paper.slug


def test_no_two_papers_share_what_names_them() -> None:
    for name in ("slug", "arxiv", "title", "summary"):
        values = [getattr(paper, name) for paper in catalogue.papers()]
        assert len(set(values)) == len(values), name


def test_catalogue_is_light() -> None:
    program = (
        "import time; start = time.perf_counter()\n"
        "import octavo.catalogue\n"
        "octavo.catalogue.papers()\n"
        "seconds = time.perf_counter() - start\n"
        "import sys\n"
        "print(seconds, sorted({'torch', 'numpy', 'matplotlib', 'transformers', 'rich'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    seconds, heavy = said.split(maxsplit=1)
    assert heavy.strip() == "[]"
    assert float(seconds) < 1.0  # about 0.07 on a quiet machine


# A card


def test_card_is_read_whole(tmp_path: Path) -> None:
    file = write(tmp_path, CARD | {"claims": [CLAIM]})
    paper = catalogue.read_card(file)
    assert (paper.slug, paper.shelf, paper.module) == ("ants", "sequence", "octavo.sequence.ants")
    assert paper.summary == "Ants carry items past each other. They end in order."
    assert paper.authors == ("Ada Ant", "Émile Müller")
    assert paper.opt_outs == {"compile": "ants do not compile"}
    assert paper.folder == file.parent
    assert paper.url == "https://arxiv.org/abs/2101.00001"
    (claim,) = paper.claims
    assert {name: getattr(claim, name) for name in CLAIM} == CLAIM | {
        "needs": ("gpu",),
        "controls": ("constant",),
    }
    assert isinstance(hash(paper), int)


def test_what_may_be_left_out(tmp_path: Path) -> None:
    claim = {name: CLAIM[name] for name in REQUIRED_OF_CLAIM}
    card = {name: CARD[name] for name in REQUIRED} | {"claims": [claim]}
    paper = catalogue.read_card(write(tmp_path, card))
    assert (paper.public, paper.data, paper.code, paper.opt_outs) == ((), (), "", {})
    assert (paper.claims[0].scale, paper.claims[0].replicates, paper.claims[0].needs) == (
        "laptop",
        "seed",
        (),
    )


def test_folder_says_whether_a_paper_runs(tmp_path: Path) -> None:
    file = write(tmp_path, CARD)
    assert (catalogue.read_card(file).runs, catalogue.read_card(file).has_demo) == (False, False)
    (file.parent / "experiment.py").touch()
    (file.parent / "demo.py").touch()
    assert (catalogue.read_card(file).runs, catalogue.read_card(file).has_demo) == (True, True)


def test_edited_card_is_read_again(tmp_path: Path) -> None:
    file = write(tmp_path, CARD)
    assert catalogue.read_card(file).venue == "preprint"
    write(tmp_path, CARD | {"venue": "Ant Letters"})
    assert catalogue.read_card(file).venue == "Ant Letters"


def test_a_reader_cannot_change_the_card(tmp_path: Path) -> None:
    file = write(tmp_path, CARD)
    catalogue.read_card(file).opt_outs["doctest"] = "a slip"
    assert "doctest" not in catalogue.read_card(file).opt_outs


@pytest.mark.parametrize("key", REQUIRED)
def test_missing_key(tmp_path: Path, key: str) -> None:
    error = error_of(write(tmp_path, without(CARD, key)))
    assert (error.key, error.found) == (key, "nothing")


@pytest.mark.parametrize("key", REQUIRED_OF_CLAIM)
def test_missing_key_of_claim(tmp_path: Path, key: str) -> None:
    error = error_of(write(tmp_path, CARD | {"claims": [without(CLAIM, key)]}))
    assert error.key == ("claims[0]: id" if key == "id" else f"claim sorted: {key}")
    assert error.found == "nothing"


@pytest.mark.parametrize(
    ("key", "value", "where", "found", "expected"),
    [
        ("title", 3, "title", "3", "the paper's title, a text"),
        ("title", "  ", "title", "'  '", "the paper's title, a text"),
        ("arxiv", "arXiv:2101.00001", "arxiv", "'arXiv:2101.00001'", "such as '2405.13956'"),
        ("arxiv", "2113.00001", "arxiv", "'2113.00001'", "without version"),
        ("arxiv", "2101.00001v2", "arxiv", "'2101.00001v2'", "without version"),
        ("arxiv", 2101.00001, "arxiv", "2101.00001", "an arXiv id as text"),
        ("year", "2021", "year", "'2021'", "a whole number"),
        ("year", True, "year", "true", "a whole number"),
        ("year", 21, "year", "21", "a whole number such as 2024"),
        ("authors", [], "authors", "[]", "a list of texts"),
        ("authors", "Ada Ant", "authors", "'Ada Ant'", "a list of texts"),
        ("authors", ["Ada Ant", 7], "authors[1]", "7", "an author's name"),
        ("venue", "", "venue", "''", "'preprint'"),
        ("summary", "long " * 200, "summary", "999 characters", "at most 800 characters"),
        (
            "tasks",
            ["sequence modeling"],
            "tasks[0]",
            "'sequence modeling'",
            "Did you mean sequence modelling?",
        ),
        ("tasks", [], "tasks", "[]", "a list of texts"),
        ("public", ["Ants", "two words"], "public[1]", "'two words'", "a public Python name"),
        ("public", ["_hidden"], "public[0]", "'_hidden'", "a public Python name"),
        ("public", ["Ants", "Ants"], "public[1]", "'Ants' a second time", "only once"),
        ("public", ["ants"], "public", "'ants'", "other than the paper's own folder"),
        ("data", [1], "data[0]", "1", "a data set's name"),
        ("code", "github.com/ants", "code", "'github.com/ants'", "https address"),
        ("opt_outs", ["compile"], "opt_outs", "['compile']", "a table"),
        ("opt_outs", {"compile": ""}, "opt_outs.compile", "''", "the reason"),
        ("claims", {"id": "sorted"}, "claims", "a table", "[[claims]]"),
        ("claims", ["sorted"], "claims[0]", "'sorted'", "[[claims]]"),
        ("autors", ["Ada"], "autors", "not known", "Did you mean authors?"),
    ],
)
def test_wrong_value(tmp_path: Path, key: str, value: Any, where: str, found: str, expected: str) -> None:
    error = error_of(write(tmp_path, CARD | {key: value}))
    assert error.key == where
    assert found in error.found
    assert expected in error.expected
    assert all(part in str(error) for part in (where, found, expected))


@pytest.mark.parametrize(
    ("key", "value", "found", "expected"),
    [
        ("kind", "atleast", "'atleast'", "Did you mean at least?"),
        ("scale", "desktop", "'desktop'", "one of smoke, laptop, gpu, paper"),
        ("replicates", "seeds", "'seeds'", "Did you mean seed?"),
        ("seeds", 0, "0", "a whole number from 1"),
        ("seeds", 2.5, "2.5", "a whole number from 1"),
        ("condition", "", "''", "a condition over records"),
        ("needs", "gpu", "'gpu'", "a list of texts"),
        ("id", "two words", "'two words'", "a short name without spaces"),
        ("sais", "Ants.", "not known", "Did you mean says?"),
        ("later_source", "", "''", "where later evidence is found"),
    ],
)
def test_wrong_value_of_claim(tmp_path: Path, key: str, value: Any, found: str, expected: str) -> None:
    error = error_of(write(tmp_path, CARD | {"claims": [CLAIM | {key: value}]}))
    assert error.key.startswith("claim ")
    assert error.key.endswith(f": {key}")
    assert found in error.found
    assert expected in error.expected


def test_claim_id_twice(tmp_path: Path) -> None:
    error = error_of(write(tmp_path, CARD | {"claims": [CLAIM, CLAIM]}))
    assert (error.key, error.found) == ("claim sorted: id", "'sorted' a second time")


@pytest.mark.parametrize("absent", ["later", "later_source"])
def test_later_evidence_has_a_source(tmp_path: Path, absent: str) -> None:
    error = error_of(write(tmp_path, CARD | {"claims": [without(CLAIM, absent)]}))
    assert error.key == f"claim sorted: {absent}"


ANYTHING = st.recursive(
    st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(sorted(CARD)), value=ANYTHING, in_claim=st.sampled_from(["", *sorted(CLAIM)]))
def test_any_value_is_read_or_named(tmp_path: Path, key: str, value: Any, in_claim: str) -> None:
    card = CARD | {"claims": [CLAIM | {in_claim: value}]} if in_claim else CARD | {key: value}
    file = write(tmp_path, card)
    error = None
    try:
        catalogue.read_card(file)
    except CardError as caught:
        error = caught
    if error is not None:
        assert str(file) in str(error)
        assert (in_claim or key) in error.key


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'title = "Ants"\nyear = = 3\n', "line 2"),
        (b'title = "Ants"\ntitle = "Bees"\n', "line 2"),
        (b'title = "Ants"\nauthors = [ Ada ]\n', "line 2"),
        (b'title = "\xff"\n', "UTF-8"),
    ],
)
def test_card_that_is_not_toml(tmp_path: Path, text: bytes, says: str) -> None:
    file = write(tmp_path, CARD)
    file.write_bytes(text)
    assert says in error_of(file).found + error_of(file).expected


def test_folders_that_are_no_names(tmp_path: Path) -> None:
    assert "a name of a-z" in error_of(write(tmp_path, CARD, slug="My-Ants")).expected
    assert "a name of a-z" in error_of(write(tmp_path, CARD, slug="lambda")).expected
    assert "Did you mean sequence?" in error_of(write(tmp_path, CARD, shelf="sequences")).expected


def test_card_that_is_not_there(tmp_path: Path) -> None:
    assert error_of(tmp_path / "sequence" / "ants" / "paper.toml").key == "file"


def test_card_error_crosses_a_process(tmp_path: Path) -> None:
    error = error_of(write(tmp_path, without(CARD, "year")))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.key, again.exit_code) == (str(error), "year", 2)


# Papers of one's own


def test_own_papers_are_found_beside_octavo_s(papers_folder: Path) -> None:
    write(papers_folder, CARD)
    assert catalogue.paper("ants").folder == papers_folder / "sequence" / "ants"
    assert len(catalogue.papers()) == 46
    assert catalogue.roots()[1:] == [papers_folder]


def test_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    write(folders[0], CARD)
    write(folders[1], CARD | {"public": []}, slug="bees")
    package = catalogue.roots()[0]
    named = [*map(str, folders), str(folders[0]), str(package), ""]
    monkeypatch.setenv("OCTAVO_PAPERS", os.pathsep.join(named))
    assert catalogue.roots() == [package, *folders]
    assert {"ants", "bees"} < {paper.slug for paper in catalogue.papers()}


def test_folder_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_PAPERS", str(tmp_path / "nowhere"))
    with pytest.raises(OctavoError, match=r"OCTAVO_PAPERS names .*nowhere, which is not a folder"):
        catalogue.papers()


def test_slug_is_taken(papers_folder: Path) -> None:
    file = write(papers_folder, CARD, slug="aaren", shelf="learning")
    with pytest.raises(CardError, match=r"'aaren', as .*sequence.aaren") as caught:
        catalogue.papers()
    assert caught.value.file == file
    with pytest.raises(CardError, match=r"'aaren', as .*sequence.aaren"):
        catalogue.paper("aaren")


def test_public_name_is_taken(papers_folder: Path) -> None:
    write(papers_folder, CARD)
    file = write(papers_folder, CARD, slug="bees")
    with pytest.raises(CardError, match="'Ants', as ants of the same shelf has") as caught:
        catalogue.papers()
    assert caught.value.file == file


def test_wrong_card_among_right_ones(papers_folder: Path) -> None:
    file = write(papers_folder, without(CARD, "year"))
    with pytest.raises(CardError) as caught:
        catalogue.papers()
    assert (caught.value.file, caught.value.key) == (file, "year")
    assert catalogue.paper("aaren").shelf == "sequence"
    with pytest.raises(CardError, match="year"):
        catalogue.paper("ants")


def test_shelf_of_own_folder_is_checked(papers_folder: Path) -> None:
    write(papers_folder, CARD, shelf="sequencs")
    with pytest.raises(CardError, match="Did you mean sequence"):
        catalogue.papers()


# Names


@pytest.mark.parametrize("slug", ["pointer_network", "pointer-network", " Pointer_Network "])
def test_paper_by_name(slug: str) -> None:
    assert catalogue.paper(slug).title == "Pointer Networks"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("aarn", "aaren"),
        ("pointer", "pointer_network"),
        ("cod", "codegen2"),
        ("boolean", "in_context_boolean"),
    ],
)
def test_unknown_paper_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(OctavoError, match=f"There is no paper '{typed}'. Did you mean .*{meant}") as caught:
        catalogue.paper(typed)
    assert caught.value.exit_code == 2


def test_unknown_paper_without_a_like() -> None:
    with pytest.raises(OctavoError, match="`octavo papers` lists them all"):
        catalogue.paper("xyzzy")


def test_suggest() -> None:
    names = ["width", "heads", "seeds", "learning_rate", "batch_size"]
    assert suggest("widht", names) == ["width"]
    assert suggest("learning-rate", names) == ["learning_rate"]
    assert suggest("rate", names) == ["learning_rate"]
    assert suggest("zebra", names) == []
    assert suggest("", names) == []
    assert did_you_mean("seed", ["seeds", "heads"]) == " Did you mean seeds?"
    assert did_you_mean("zebra", names) == ""


@given(st.sampled_from(sorted(paper.slug for paper in OURS)), st.data())
@settings(max_examples=60, deadline=None)
def test_one_slip_is_forgiven(slug: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(slug) - 1))
    if len(slug) > 3:
        typed = slug[:place] + slug[place + 1 :]
        assert slug in suggest(typed, [paper.slug for paper in OURS])


# Search


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("attention", "aaren"),
        ("pointer networks", "pointer_network"),
        ("matryoshka", "matryoshka"),
        ("boolean functions", "in_context_boolean"),
        ("multigrid", "mgno"),
        ("Crowd COUNTING", "crowd_counting"),
        ("2405.13956", "aaren"),
        ("lrcn", "lrcn"),
        ("Saez", "neural_snowflake"),
        ("akyürek languages", "in_context_languages"),
        ("sparse autoencoder circuits", "circuit_discovery"),
        ("text recognit", "crnn"),
        ("reverse dictionary", "defsent_plus"),
        ("matryoskha", "matryoshka"),
    ],
)
def test_search_finds(words: str, first: str) -> None:
    assert catalogue.search(words)[0][0].slug == first


@pytest.mark.parametrize("words", ["", "  ", "?!", "xyzzyplugh"])
def test_search_finds_nothing(words: str) -> None:
    assert catalogue.search(words) == []


def test_search_ranks_title_slug_summary_claims(tmp_path: Path) -> None:
    plain = CARD | {"public": [], "summary": "They sort."}
    cards = {
        "in_the_title": plain | {"title": "On Pheromones"},
        "pheromone": plain,
        "in_the_summary": plain | {"summary": "They follow pheromones."},
        "in_a_claim": plain | {"claims": [CLAIM | {"says": "Pheromones do it."}]},
        "nowhere": plain,
    }
    among = [catalogue.read_card(write(tmp_path, card, slug=slug)) for slug, card in cards.items()]
    found = catalogue.search("pheromone", reversed(among))
    assert [paper.slug for paper, _ in found] == list(cards)[:4]
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


@given(
    st.lists(st.sampled_from(["attention", "sentence", "neuron", "LSTM", "é", "recogn", "zz"]), max_size=4)
)
@settings(max_examples=40, deadline=None)
def test_search_does_not_depend_on_order_or_case(words: list[str]) -> None:
    found = catalogue.search(" ".join(words))
    again = catalogue.search("  ".join(reversed(words)).upper(), reversed(catalogue.papers()))
    assert [paper.slug for paper, _ in found] == [paper.slug for paper, _ in again]
    assert all(score > 0 for _, score in found)


# The wheel


def test_every_card_ships(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="building a wheel needs setuptools")
    package = catalogue.roots()[0]
    if not (package.parents[1] / "pyproject.toml").is_file():
        pytest.skip("octavo is installed without its source tree")
    shutil.copy(package.parents[1] / "pyproject.toml", tmp_path)
    (tmp_path / "README.md").touch()
    (tmp_path / "LICENSE").touch()
    for file in [*package.rglob("__init__.py"), *package.rglob("paper.toml")]:
        copy = tmp_path / "src" / "octavo" / file.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    program = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    said = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    wheel = zipfile.ZipFile(tmp_path / said.stdout.splitlines()[-1])
    shipped = {name for name in wheel.namelist() if name.endswith("/paper.toml")}
    assert shipped == {f"octavo/{paper.shelf}/{paper.slug}/paper.toml" for paper in catalogue.papers()}
