"""A catalogue of many papers for the benchmarks: real ones, and more made of their sentences.

Real titles and abstracts (OCTAVO_DATA, folders arxiv_abstracts and daily_papers) come first. The others take
their title from two of them and their abstract from the sentences of three, so that words are as frequent and
as common together as in real papers.
"""

import csv
import gzip
import json
import lzma
import random
import re
from collections.abc import Iterator
from pathlib import Path

from octavo.data.places import find_file
from octavo.page.store import ListedPaper

TABLES = ("cs.CL_2019.tsv.xz", "cs.IR_2020.tsv.xz", "cs.NE_2020.tsv.xz")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def _named(folder: str, name: str) -> Path:
    file = find_file(folder, name)
    if file is None:
        raise SystemExit(f"set OCTAVO_DATA to a folder with {folder}/{name}")
    return file


def real() -> list[ListedPaper]:
    """Some 29,000 papers of arXiv."""
    found: dict[str, ListedPaper] = {}
    for name in TABLES:
        with lzma.open(_named("arxiv_abstracts", name), "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                found[row["arxiv_id"]] = ListedPaper(
                    id=row["arxiv_id"],
                    title=" ".join(row["title"].split()),
                    abstract=" ".join(row["abstract"].split()),
                    authors=tuple(re.split(r",\s*|\s+and\s+", row["author_text"]))[:20],
                    categories=tuple(row["categories"].split(",")),
                    published=row["created"],
                    updated=row["updated"] or row["created"],
                    source="arxiv",
                )
    with gzip.open(_named("daily_papers", "daily_papers.jsonl.gz"), "rt", encoding="utf-8") as daily:
        for line in daily:
            each = json.loads(line)
            found[each["id"]] = ListedPaper(
                id=each["id"],
                title=" ".join(each["title"].split()),
                abstract=" ".join(each["summary"].split()),
                authors=tuple(each["authors"])[:20],
                categories=("cs.LG",),
                published=each["published_at"][:10],
                updated=each["published_at"][:10],
                source="daily",
            )
    return list(found.values())


def catalogue(count: int) -> Iterator[ListedPaper]:
    """So many papers: the real ones, then mixtures of them."""
    there = real()
    yield from there[:count]
    draw = random.Random(0)
    sentences = [_SENTENCE.split(paper.abstract) for paper in there]
    for number in range(len(there), count):
        places = [draw.randrange(len(there)) for _ in range(3)]
        one, two, _ = (there[place] for place in places)
        begin, end = one.title.split(), two.title.split()
        parts = [draw.sample(sentences[place], min(3, len(sentences[place]))) for place in places]
        yield ListedPaper(
            id=f"{3001 + number // 90_000 % 1200:04}.{number % 90_000:05}",
            title=" ".join(begin[: len(begin) // 2 + 1] + end[len(end) // 2 :]),
            abstract=" ".join(sentence for part in parts for sentence in part),
            authors=one.authors[:2] + two.authors[:2],
            categories=one.categories,
            published=one.published,
            updated=two.published,
            source="arxiv",
        )
