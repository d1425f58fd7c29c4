"""The snapshot: read line by line, rejected with reasons, resumed where it stopped, idempotent."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from octavo.page.ingest import import_snapshot, import_table, reading
from octavo.page.ingest.arxiv import read_line, split_authors
from octavo.page.ingest.reading import Rejected
from octavo.page.store import Filters, Store


def row(number: int = 1, **other: Any) -> dict[str, Any]:
    return {
        "id": f"0704.{number:04}",
        "submitter": "Somebody",
        "authors": "C. Bal\\'azs, E. L. Berger (ANL) and P. M. Nadolsky",
        "title": f"Calculation {number} of prompt\n  diphoton production",
        "comments": "37 pages",
        "journal-ref": None,
        "doi": None,
        "report-no": None,
        "categories": "hep-ph cs.LG",
        "license": None,
        "abstract": "  A fully differential\ncalculation with $x^2$.\n",
        "versions": [
            {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
            {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
        ],
        "update_date": "2008-11-26",
        "authors_parsed": [["Balázs", "C.", ""], ["Berger", "E. L.", "", "ANL"], ["Nadolsky", "P. M.", "Jr"]],
    } | other


def written(file: Path, rows: list[Any]) -> Path:
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in rows]
    content = b"\n".join(lines) + b"\n"
    if file.suffix == ".gz":
        content = gzip.compress(content)
    file.write_bytes(content)
    return file


def test_a_line_of_the_real_form() -> None:
    paper = read_line(json.dumps(row()).encode())
    assert paper.title == "Calculation 1 of prompt diphoton production"
    assert paper.abstract == "A fully differential calculation with $x^2$."
    assert paper.authors == ("C. Balázs", "E. L. Berger", "P. M. Nadolsky Jr")
    assert paper.categories == ("hep-ph", "cs.LG")
    assert (paper.published, paper.updated, paper.version) == ("2007-04-02", "2008-11-26", 2)
    assert not paper.withdrawn


def test_old_ids_and_withdrawn_papers() -> None:
    assert read_line(json.dumps(row(id="math.GT/0309136")).encode()).id == "math.GT/0309136"
    assert read_line(json.dumps(row(abstract="")).encode()).withdrawn
    assert read_line(json.dumps(row(comments="This paper is Withdrawn")).encode()).withdrawn


def test_rejected_lines_are_counted_by_reason(store: Store, tmp_path: Path) -> None:
    bad = [
        b"{",
        [1],
        row(id="../etc/passwd"),
        row(title=" "),
        row(abstract=None),
        row(versions=[{"version": "v1"}]),
    ]
    bad += [row(2, versions=[], update_date="soon")]
    report = import_snapshot(store, written(tmp_path / "a.json", [row(), *bad, row(3)]))
    assert (report.papers.inserted, report.lines) == (2, 9)
    assert dict(report.rejected) == {
        "not JSON": 1,
        "not an object": 1,
        "no arXiv id": 1,
        "no title": 1,
        "no abstract": 1,
        "versions that cannot be read": 1,
        "no date": 1,
    }


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_it_goes_on_where_it_stopped(
    store: Store, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 10)
    file = written(tmp_path / name, [row(number) for number in range(1, 56)])

    class Stopped(Exception):
        pass

    def stop(report: reading.Report) -> None:
        if report.papers.inserted >= 30:
            raise Stopped

    with pytest.raises(Stopped):
        import_snapshot(store, file, stop)
    assert store.papers.count() == 30
    assert import_snapshot(store, file).lines == 25
    assert store.papers.count() == 55
    assert import_snapshot(store, file).lines == 0


def test_a_file_that_changed_is_read_anew_and_changes_only_what_changed(store: Store, tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", [row(1), row(2)])
    import_snapshot(store, file)
    newer = row(2, versions=[{"version": "v3", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}], title="Mended")
    written(file, [row(1), newer, row(3)])
    report = import_snapshot(store, file)
    assert (report.papers.inserted, report.papers.updated, report.papers.unchanged) == (1, 1, 1)


KILLED = """
import sys, time
from pathlib import Path
from octavo.page.ingest import import_snapshot, reading
from octavo.page.store import Store
reading.BATCH = 50
def slowly(report):
    print(report.lines, flush=True)
    time.sleep(0.05)
import_snapshot(Store(folder=Path(sys.argv[1])), Path(sys.argv[2]), slowly)
"""


def test_killed_in_the_middle_it_ends_the_same(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", [row(number) for number in range(1, 2001)])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "page"), str(file)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    for _ in range(4):
        assert process.stdout.readline()
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    store = Store(folder=tmp_path / "page")
    before = store.papers.count()
    assert 0 < before < 2000
    report = import_snapshot(store, file)
    assert report.papers.inserted == 2000 - before
    assert report.papers.unchanged == 0
    assert store.papers.count(Filters(category="cs.LG")) == 2000
    store.close()


def test_a_table_of_abstracts(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "t.tsv"
    file.write_text(
        "\tabstract\tacm_class\tarxiv_id\tauthor_text\tcategories\tcomments\tcreated\ttitle\tupdated\n"
        '1\t"We ""filter""\nthings. "\tH.3\tcs/9809121\tNeil C. Rowe\tcs.IR,cs.AI\t\t'
        "1998-09-29\tOptimality\t\n",
        encoding="utf-8",
    )
    assert import_table(store, file).inserted == 1
    paper = store.papers.get("cs/9809121")
    assert paper is not None
    assert paper.abstract == 'We "filter" things.'
    assert (paper.categories, paper.updated) == (("cs.IR", "cs.AI"), "1998-09-29")


def test_authors_that_are_one_text() -> None:
    assert split_authors("Ada Lovelace and Charles Babbage") == ("Ada Lovelace", "Charles Babbage")
    assert split_authors("Sandy Anderson, O. Band") == ("Sandy Anderson", "O. Band")
    with pytest.raises(Rejected):
        read_line(b"[]")
