"""Papers, claims and records for the tests of the ledger: the fixture `made` hands these functions out."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from octavo import ledger
from octavo.catalogue import Claim, Paper
from octavo.lab.folder import UnitLine
from octavo.lab.records import Record
from octavo.ledger import Judgement


def claim(condition: str, kind: str = "direction", seeds: int = 3, **more: Any) -> Claim:
    return Claim("c1", "It is so.", "1 against 2", "Table 1", kind, condition, seeds=seeds, **more)


def paper(*claims: Claim, slug: str = "p") -> Paper:
    return Paper(
        slug=slug,
        shelf="sequence",
        title="A paper",
        arxiv="2405.13956",
        year=2024,
        authors=("A",),
        venue="preprint",
        summary="It does something.",
        tasks=("time series",),
        folder=Path(slug),
        claims=claims,
    )


def measured(
    system: str, values: Sequence[float], metric: str = "accuracy", dataset: str = "D", **more: Any
) -> list[Record]:
    """One record a seed."""
    more = {"paper": "p", "part": "main", **more}
    return [
        Record(system=system, dataset=dataset, metric=metric, value=value, seed=seed, **more)
        for seed, value in enumerate(values)
    ]


def unit(part: str, seed: int, status: str, **more: Any) -> UnitLine:
    return UnitLine("p", part, seed, more.pop("scale", "laptop"), status, **more)


def judged(
    condition: str, records: Sequence[Record], kind: str = "direction", seeds: int = 3, **more: Any
) -> Judgement:
    """The judgement on one claim."""
    call = {name: more.pop(name) for name in ("units", "once", "items") if name in more}
    return ledger.judge(paper(claim(condition, kind, seeds, **more)), records, **call)[0]


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    return SimpleNamespace(claim=claim, paper=paper, measured=measured, unit=unit, judged=judged)
