"""Where the files of a paper lie: in octavo's own checkout, or in a folder of somebody's own papers."""

from dataclasses import dataclass
from pathlib import Path

from octavo import catalogue


@dataclass(frozen=True)
class Places:
    """The folders and files of one paper, there or not."""

    folder: Path
    tests: Path
    benchmark: Path

    @classmethod
    def of(cls, root: Path, shelf: str, slug: str) -> "Places":
        """Those of a paper below `root`, which holds the shelves."""
        project = checkout() if root == package_root() else root
        base = project if project is not None else root
        return cls(
            folder=root / shelf / slug,
            tests=base / "tests" / shelf / slug,
            benchmark=base / "benchmarks" / shelf / f"{slug}.py",
        )

    @classmethod
    def of_paper(cls, paper: catalogue.Paper) -> "Places":
        """Those of a paper that the catalogue has."""
        return cls.of(paper.folder.resolve().parent.parent, paper.shelf, paper.slug)

    @property
    def card(self) -> Path:
        """The paper's card."""
        return self.folder / "paper.toml"


def package_root() -> Path:
    """The folder of octavo itself, which holds the shelves."""
    return Path(__file__).resolve().parent.parent


def checkout() -> Path | None:
    """The source checkout that octavo is imported from; None where it is installed."""
    top = package_root().parent.parent
    return top if (top / "pyproject.toml").is_file() and (top / "tests").is_dir() else None


def outside_roots() -> list[Path]:
    """The folders of papers that lie outside octavo."""
    return [root.resolve() for root in catalogue.roots() if root.resolve() != package_root()]
