"""Pairs of sentences with what people think of them."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Pairs:
    """Pairs of one split.

    Args:
        first: a sentence of each pair.
        second: the other.
        scores: how alike people find them.
        relations: `ENTAILMENT`, `NEUTRAL` or `CONTRADICTION` of each; empty where it was not asked.
    """

    first: tuple[str, ...] = field(repr=False)
    second: tuple[str, ...] = field(repr=False)
    scores: Float64[np.ndarray, " pairs"] = field(repr=False)
    relations: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.first)

    def related(self, relation: str) -> tuple[tuple[str, str], ...]:
        """The pairs of one relation."""
        rows = zip(self.first, self.second, self.relations, strict=True)
        return tuple((a, b) for a, b, found in rows if found == relation)


@dataclass(frozen=True)
class SentencePairs:
    """A benchmark of sentence similarity.

    Args:
        name: the data set's name.
        train, validation, test: as its makers split it.
    """

    name: str
    train: Pairs
    validation: Pairs
    test: Pairs


def load_stsb(entry: Entry) -> SentencePairs:
    """Read the STS Benchmark: rows of two sentences and a score from 0 to 5, without a header.

    Raises:
        OctavoError: a row has another form.
    """

    def split(name: str) -> Pairs:
        place = entry.files[f"stsb-en-{name}.csv"]
        return _pairs(place, list(csv.reader(lines(place))), "sentence, sentence, score", first=0)

    return SentencePairs(entry.name, split("train"), split("dev"), split("test"))


def load_sick(entry: Entry) -> SentencePairs:
    """Read SICK: a header, then rows of id, two sentences, relatedness and entailment, between tabs.

    Raises:
        OctavoError: a row has another form.
    """

    def split(name: str) -> Pairs:
        place = entry.files[name]
        rows = [line.split("\t") for line in lines(place)][1:]
        return _pairs(place, rows, "id, sentence, sentence, relatedness, entailment", first=1)

    return SentencePairs(
        entry.name, split("SICK_train.txt"), split("SICK_trial.txt"), split("SICK_test_annotated.txt")
    )


def _pairs(place: Path, rows: list[list[str]], columns: str, first: int) -> Pairs:
    """The pairs of a table whose sentences, score and relation stand from column `first` on."""
    wanted = columns.count(",") + 1
    for number, row in enumerate(rows, start=1):
        if len(row) != wanted:
            raise OctavoError(f"{place}, row {number}: expected {columns}; got {len(row)} columns")
    try:
        scores = np.array([float(row[first + 2]) for row in rows])
    except ValueError as error:
        raise OctavoError(f"{place}: a score is no number ({error})") from error
    relations = tuple(row[first + 3].strip() for row in rows) if wanted > first + 3 else ()
    return Pairs(tuple(row[first] for row in rows), tuple(row[first + 1] for row in rows), scores, relations)
