import lzma
from pathlib import Path

import pytest

from octavo import data
from octavo.errors import OctavoError

DOCUMENTS = ".I 1\n.T\na wing\n.A\nsomebody\n.W\na wing\n in air .\n.X\n1 5 1\n.I 2\n.T\nheat\n.W\n"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_reads_cranfield_by_the_place_of_its_queries(folders: Path) -> None:
    write(
        folders / "ir_classic" / "cranfield",
        cran__all__1400=DOCUMENTS,
        cran__qry=".I 001\n.W\nwhat wing\n.I 004\n.W\nwhat heat\n",
        cranqrel="1 1 2 \n1 2 4 \n2 2 -1\n",
    )
    found = data.load("Cranfield")
    assert found.documents == {"1": "a wing a wing in air .", "2": "heat"}
    assert found.queries == {"1": "what wing", "2": "what heat"}
    assert found.gains == {"1": {"1": 3, "2": 1}, "2": {"2": 4}}


def test_reads_cisi_without_cross_references_and_unjudged_queries(folders: Path) -> None:
    write(
        folders / "ir_classic" / "cisi",
        CISI__ALL=DOCUMENTS,
        CISI__QRY=".I 1\n.W\nwhat\n.I 2\n.T\nlong\n.W\nand more\n.B\nprinted\n",
        CISI__REL="     2     1\t0\t0.000000\n",
    )
    found = data.load("CISI")
    assert found.queries == {"2": "long and more"}
    assert found.gains == {"2": {"1": 1}}


def test_reads_cacm_and_npl(folders: Path) -> None:
    write(
        folders / "ir_classic" / "cacm",
        cacm__all=DOCUMENTS,
        query__text=".I 1\n.W\nwhat\n.N\nby\n",
        qrels__text="01 0002 0 0\n",
    )
    write(
        folders / "ir_classic" / "npl",
        nothing="",
    )
    for name, text in (
        ("doc-text", "1\nwing\n   /\n2\nheat\nslab\n   /\n"),
        ("query-text", "1\nHEAT\n/\n"),
        ("rlv-ass", "1\n 2\n  /\n"),
    ):
        (folders / "ir_classic" / "npl" / name).write_text(text)
    assert data.load("CACM").gains == {"1": {"2": 1}}
    found = data.load("NPL")
    assert (found.documents["2"], found.queries, found.gains) == ("heat slab", {"1": "HEAT"}, {"1": {"2": 1}})


def test_says_what_is_wrong(folders: Path) -> None:
    write(
        folders / "ir_classic" / "cisi",
        CISI__ALL=DOCUMENTS,
        CISI__QRY=".I 1\n.W\nwhat\n",
        CISI__REL="3 1\n",
    )
    with pytest.raises(OctavoError, match="query 3 was judged, but is not among the queries"):
        data.load("CISI")
    (folders / "ir_classic" / "cisi" / "CISI.REL").write_text("one 1\n")
    with pytest.raises(OctavoError, match="line 1: expected 2 whole numbers"):
        data.load("CISI")
    (folders / "ir_classic" / "cisi" / "CISI.ALL").write_text("nothing")
    with pytest.raises(OctavoError, match="no record found"):
        data.load("CISI")


def test_papers_of_two_categories_count_once(folders: Path) -> None:
    place = folders / "arxiv_abstracts"
    place.mkdir()
    row = '0\t"line one\nline two"\tx\t{}\tTitle  of it\n'
    for name, numbers in (("cs.CL_2019", (1, 2)), ("cs.IR_2020", (2,)), ("cs.NE_2020", (3,))):
        text = "\tabstract\tacm_class\tarxiv_id\ttitle\n" + "".join(row.format(number) for number in numbers)
        (place / f"{name}.tsv.xz").write_bytes(lzma.compress(text.encode()))
    found = data.load("arxiv_abstracts")
    assert (found.ids, found.titles[0], found.abstracts[0]) == (
        ("1", "2", "3"),
        "Title of it",
        "line one line two",
    )
    assert len(data.load("arxiv_abstracts", categories=("cs.NE",))) == 1
    (place / "cs.NE_2020.tsv.xz").write_bytes(b"no xz")
    with pytest.raises(OctavoError, match="cannot be read"):
        data.load("arxiv_abstracts")


def test_docstrings_are_found_by_their_first_sentence() -> None:
    found = data.load("Docstrings", modules=("numpy.linalg",), queries=5)
    assert len(found.queries) == 5
    assert all(found.gains[name] == {name: 1} for name in found.queries)
    assert not any(found.queries[name] in found.texts[name] for name in found.queries)


def test_the_real_collections_are_as_their_description_says() -> None:
    sizes = {"Cranfield": (1400, 225), "CISI": (1460, 76), "CACM": (3204, 52), "NPL": (11426, 93)}
    for name, expected in sizes.items():
        if not data.available(name):
            pytest.skip(f"OCTAVO_DATA does not hold {name}")
        found = data.load(name)
        assert (len(found.texts), len(found.queries)) == expected
