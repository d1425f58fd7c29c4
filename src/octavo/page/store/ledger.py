"""The published ledger of the papers that run: verdicts and runs, as the ledger gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from octavo.page.store.database import Database
from octavo.page.store.tables import claims, papers, runs
from octavo.page.store.votes import Votes


@dataclass(frozen=True)
class StoredRun:
    """One published run of a paper; `description` is its `run.json`."""

    paper: str
    commit: str
    scale: str
    machine: str
    at: float
    description: dict[str, Any]


class Ledger:
    """The verdicts and runs of a store; see `octavo.page.store.Store`."""

    def __init__(self, database: Database, log: Votes) -> None:
        self._database = database
        self._log = log

    def put(self, paper: str, judgements: Sequence[dict[str, Any]], published: Sequence[StoredRun]) -> None:
        """Takes the ledger of a paper, in the place of what was there.

        Args:
            paper: its id.
            judgements: as `octavo.ledger.Judgement.as_dict` gives them, in the order of the card.
            published: its runs; each warms the paper once.
        """
        with self._database.write() as connection:
            connection.execute(delete(claims).where(claims.c.paper == paper))
            for position, judgement in enumerate(judgements):
                connection.execute(
                    claims.insert().values(
                        paper=paper,
                        claim=judgement["claim"],
                        position=position,
                        verdict=judgement["verdict"],
                        judgement=judgement,
                    )
                )
            connection.execute(delete(runs).where(runs.c.paper == paper))
            for run in published:
                connection.execute(
                    runs.insert().values(
                        paper=paper,
                        commit=run.commit,
                        scale=run.scale,
                        machine=run.machine,
                        at=run.at,
                        description=run.description,
                    )
                )
            self._log.reheat(connection, paper)

    def judgements(self, paper: str) -> list[dict[str, Any]]:
        """The verdicts of a paper, by its id, in the order of its card."""
        query = select(claims.c.judgement).where(claims.c.paper == paper).order_by(claims.c.position)
        with self._database.read() as connection:
            return [dict(each) for each in connection.execute(query).scalars()]

    def verdicts(self, ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """For a list: each paper's (claim, verdict) pairs; papers without claims are left out."""
        query = select(claims.c.paper, claims.c.claim, claims.c.verdict).where(claims.c.paper.in_(ids))
        found: dict[str, list[tuple[str, str]]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(claims.c.paper, claims.c.position)):
                found.setdefault(row.paper, []).append((row.claim, row.verdict))
        return found

    def runs(self, paper: str) -> list[StoredRun]:
        """The published runs of a paper, newest first."""
        query = select(runs).where(runs.c.paper == paper).order_by(runs.c.at.desc())
        with self._database.read() as connection:
            return [
                StoredRun(row.paper, row.commit, row.scale, row.machine, row.at, dict(row.description))
                for row in connection.execute(query)
            ]

    def papers(self) -> list[str]:
        """The ids that have verdicts."""
        query = select(papers.c.id).where(papers.c.id.in_(select(claims.c.paper))).order_by(papers.c.id)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())
