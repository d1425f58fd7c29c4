"""The leaderboards as the page shows them: read from the published records, again when those change."""

import threading
from dataclasses import dataclass

from octavo import catalogue
from octavo.ledger import leaderboard, published
from octavo.ledger.leaderboard import Row

SCALES = ("laptop", "gpu", "paper")


@dataclass(frozen=True)
class Board:
    """A data set at one scale, and all that was measured on it; one table a metric, best first."""

    dataset: str
    scale: str
    tables: dict[str, list[Row]]

    @property
    def papers(self) -> list[str]:
        """The papers that stand on it."""
        return list(dict.fromkeys(row.paper for rows in self.tables.values() for row in rows))

    @property
    def systems(self) -> int:
        """How many systems were measured."""
        return len({(row.paper, row.system) for rows in self.tables.values() for row in rows})


class Boards:
    """All boards."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: tuple[tuple[str, int], ...] | None = None
        self._boards: dict[tuple[str, str], Board] = {}

    def all(self) -> list[Board]:
        """Every board, those of most systems first."""
        boards = self._fresh().values()
        return sorted(
            boards, key=lambda board: (-len(board.papers), -board.systems, board.dataset.casefold())
        )

    def get(self, dataset: str, scale: str = "laptop") -> Board | None:
        """The board of a data set, in upper or lower case; None where nothing was measured on it."""
        return self._fresh().get((dataset.casefold(), scale))

    def of(self, paper: str) -> list[Board]:
        """The boards that a paper stands on, by its slug."""
        return [board for board in self.all() if paper in board.papers]

    def _fresh(self) -> dict[tuple[str, str], Board]:
        stamp = _stamp()
        with self._lock:
            if stamp != self._stamp:
                self._boards = _read()
                self._stamp = stamp
            return self._boards


def _read() -> dict[tuple[str, str], Board]:
    boards = {}
    for scale in SCALES:
        for dataset, rows in leaderboard.every(scale=scale).items():
            boards[(dataset.casefold(), scale)] = Board(dataset, scale, leaderboard.tables(rows))
    return boards


def _stamp() -> tuple[tuple[str, int], ...]:
    """When the published runs of each paper were last written."""
    found = []
    for paper in catalogue.papers():
        for scale in SCALES:
            file = published.folder(paper, scale) / "records.jsonl"
            if file.is_file():
                found.append((f"{paper.slug} {scale}", file.stat().st_mtime_ns))
    return tuple(found)
