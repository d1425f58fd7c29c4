"""Books, posts and instructions are read as they lie, and texts come with Python itself."""

import gzip
import json
from pathlib import Path

import pytest

from octavo import data
from octavo.data import embedded
from octavo.data.books import book
from octavo.errors import OctavoError


def test_a_book_begins_where_it_tells(tmp_path: Path) -> None:
    told = "\n".join(["Once upon a time " * 4] * 8)
    path = tmp_path / "b.txt"
    path.write_text(f"A Title\n\n CONTENTS\n 1. One\n\n{told}\nand so on.\n\nShort.\n")
    assert book(path) == f"{' '.join(told.split())} and so on.\nShort."
    path.write_text("Nothing.\n")
    with pytest.raises(OctavoError, match="no paragraph"):
        book(path)


def test_books_by_name(folders: Path) -> None:
    folder = folders / "gutenberg_stories"
    folder.mkdir()
    (entry,) = [entry for entry in data.entries() if entry.name == "gutenberg_stories"]
    for name in entry.layouts[0]:
        (folder / f"{name}.gz").write_bytes(gzip.compress((f"{name} " + "word " * 100 + "\n").encode()))
    assert data.load("gutenberg_stories")["alice"].startswith("alice.txt word")


def test_posts(folders: Path) -> None:
    folder = folders / "newsgroups20"
    folder.mkdir()
    (folder / "20news-bydate-train.tsv").write_text(
        "sci.space\t1\tmoon\tit is far away up there\nrec.autos\t2\tcar\ttoo short\n"
    )
    (folder / "20news-bydate-test.tsv").write_text("rec.autos\t3\tcar\tmy car is old and red\n")
    found = data.load("newsgroups20")
    assert found.train.of("sci.space") == ("it is far away up there",)
    assert (len(found.train), len(found.test), found.test.subjects) == (1, 1, ("car",))
    (folder / "20news-bydate-test.tsv").write_text("rec.autos\tmy car\n")
    with pytest.raises(OctavoError, match="row 1"):
        data.load("newsgroups20")


def test_instructions(folders: Path) -> None:
    folder = folders / "self_instruct"
    folder.mkdir()
    task = {"instruction": " Add. ", "instances": [{"input": "1 2", "output": "3"}]}
    (folder / "seed_tasks.jsonl").write_text(json.dumps(task) + "\n")
    (folder / "user_oriented_instructions.jsonl").write_text("")
    (found,) = data.load("self_instruct")
    assert str(found) == "Question: Add.\nGiven: 1 2\nAnswer: 3\n"
    (folder / "seed_tasks.jsonl").write_text("{}\n")
    with pytest.raises(OctavoError, match="line 1"):
        data.load("self_instruct")


def test_texts_of_python() -> None:
    programs, chapters = embedded.programs(), embedded.manual()
    assert all(text.startswith(("def ", "class ", "@")) for text in programs)
    assert min(map(len, (*programs, *chapters))) >= 2000
    assert len(set(chapters)) == len(chapters)
