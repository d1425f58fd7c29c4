"""Queries to an assistant, each with what its author wants."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Queries:
    """Texts with labels.

    Args:
        texts: the queries.
        labels: positions in the list of intents, -1 for a query that has none of them.
    """

    texts: tuple[str, ...] = field(repr=False)
    labels: Int64[np.ndarray, " queries"] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Int64[np.ndarray, " chosen"]) -> "Queries":
        """The queries at these positions."""
        return Queries(tuple(self.texts[row] for row in rows), self.labels[rows])


@dataclass(frozen=True)
class Intents:
    """A classification of short queries, split as its makers split it.

    Args:
        name: the data set's name.
        intents: what may be wanted; a label is a position in this list.
        domains: coarser classes; `domain_of` gives that of each intent.
        domain_of: position of each intent's domain.
        train, validation, test: queries that have an intent.
        outside_validation, outside_test: queries outside of all intents.
    """

    name: str
    intents: tuple[str, ...] = field(repr=False)
    domains: tuple[str, ...] = field(repr=False)
    domain_of: Int64[np.ndarray, " intents"] = field(repr=False)
    train: Queries
    validation: Queries
    test: Queries
    outside_validation: Queries
    outside_test: Queries


def load_intents(entry: Entry) -> Intents:
    """Read CLINC150's `data_full.json` and `domains.json`.

    Raises:
        OctavoError: a file is not in that format.
    """
    places = entry.files
    full, by_domain = (_json(places[name]) for name in ("data_full.json", "domains.json"))
    try:
        domains = tuple(sorted(by_domain))
        home = {intent: place for place, name in enumerate(domains) for intent in by_domain[name]}
        intents = tuple(sorted(home))
        number = {intent: place for place, intent in enumerate(intents)}

        def queries(split: str) -> Queries:
            rows = full[split]
            labels = [number[intent] if intent != "oos" else -1 for _, intent in rows]
            return Queries(tuple(text for text, _ in rows), np.array(labels, dtype=np.int64))

        return Intents(
            entry.name,
            intents,
            domains,
            np.array([home[intent] for intent in intents], dtype=np.int64),
            queries("train"),
            queries("val"),
            queries("test"),
            queries("oos_val"),
            queries("oos_test"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OctavoError(
            f"{places['data_full.json']} is not CLINC150: expected lists of [text, intent] for train, val, "
            f"test, oos_val, oos_test, and domains with all intents ({type(error).__name__}: {error})"
        ) from error


def _json(place: Path) -> Any:
    try:
        return json.loads("\n".join(lines(place)))
    except json.JSONDecodeError as error:
        raise OctavoError(f"{place} is not JSON: {error}") from error
