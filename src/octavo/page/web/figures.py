"""The figures of the papers: drawn from their published records by a process of its own, and kept.

`python -m octavo.page.web.figures FOLDER` draws what is stale.
"""

import hashlib
import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo import catalogue
from octavo.ledger import published
from octavo.page import cards

LONGEST = 900
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Figure:
    """One figure: its name, what it shows in a line, and where it lies."""

    name: str
    summary: str
    file: Path


class Figures:
    """The figures that are there, and the process that draws the rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._drawing: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def of(self, slug: str) -> list[Figure]:
        """The figures of a paper that are drawn from what is published now."""
        index = self._index(slug)
        if index.get("of") != digest_of(slug):
            return []
        return [
            Figure(name, summary, self.folder / slug / f"{name}.png")
            for name, summary in index["figures"]
            if (self.folder / slug / f"{name}.png").is_file()
        ]

    def file(self, slug: str, name: str) -> Path | None:
        """The file of a figure, by names of letters and digits only."""
        if not (_NAME.fullmatch(slug) and _NAME.fullmatch(name)):
            return None
        file = self.folder / slug / f"{name}.png"
        return file if file.is_file() else None

    def draw(self) -> None:
        """Starts drawing what is stale, unless somebody is at it."""
        with self._lock:
            if self._drawing is None or self._drawing.poll() is not None:
                command = [sys.executable, "-m", "octavo.page.web.figures", str(self.folder)]
                self._drawing = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def wait(self) -> None:
        """Waits until what was stale is drawn."""
        if self._drawing is not None:
            self._drawing.wait()

    def close(self) -> None:
        """Ends the drawing; what is drawn stays."""
        with self._lock:
            if self._drawing is not None and self._drawing.poll() is None:
                self._drawing.terminate()
                self._drawing.wait(10)

    def _index(self, slug: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(
                (self.folder / slug / "index.json").read_text(encoding="utf-8")
            )
            return found
        except (OSError, ValueError):
            return {}


def digest_of(slug: str) -> str:
    """What the figures of a paper depend on: its records and its experiment."""
    card = cards.card(slug)
    found = hashlib.sha256()
    for run in published.runs(card):
        found.update((run.folder / "records.jsonl").read_bytes())
    for file in sorted(card.folder.glob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


def draw(slug: str, folder: Path) -> list[str]:
    """Draws the figures of a paper into `folder/SLUG`, unless they are there.

    Returns:
        Their names; none where the paper has nothing published.
    """
    home = folder / slug
    of = digest_of(slug)
    kept = Figures(folder).of(slug)
    if kept:
        return [figure.name for figure in kept]
    if not published.runs(slug):
        return []
    from octavo.lab.figures import house_style, to_png
    from octavo.lab.parts import plots_of
    from octavo.runner.plans import experiment

    home.mkdir(parents=True, exist_ok=True)
    records = published.records(slug)
    drawn = []
    for plot in plots_of(experiment(slug)):
        try:
            with house_style():
                figure = plot(records)
                if figure is not None:
                    (home / f"{plot.name}.png").write_bytes(to_png(figure))
                    drawn.append((plot.name, plot.summary))
        except Exception as error:  # One figure that cannot be drawn leaves the others.
            print(f"{slug}: {plot.name} was not drawn: {type(error).__name__}: {error}", file=sys.stderr)
    waiting = home / ".index.json"
    waiting.write_text(json.dumps({"of": of, "figures": drawn}), encoding="utf-8")
    waiting.rename(home / "index.json")
    return [name for name, _ in drawn]


def main(arguments: list[str]) -> None:
    """Draws the figures of every paper, with the least claim on the machine."""
    import os

    os.nice(15)
    for paper in catalogue.papers():
        if paper.runs:
            try:
                draw(paper.slug, Path(arguments[0]))
            except Exception as error:
                print(f"{paper.slug}: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
