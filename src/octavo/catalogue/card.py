"""A paper's card: what it may hold, and the error that a wrong one gives."""

import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from keyword import iskeyword
from pathlib import Path
from typing import Any

from octavo.catalogue import rules
from octavo.catalogue.rules import (
    Rule,
    WrongValueError,
    choice,
    number,
    pattern,
    public_name,
    reasons,
    several,
    tables,
    text,
)
from octavo.errors import OctavoError

SHELVES = {
    "sequence": "models that read and write sequences",
    "learning": "how networks learn",
    "embedding": "text to vectors",
    "retrieval": "finding things",
    "language": "language models",
    "interpretability": "seeing inside",
    "vision": "images and video",
    "science": "models of the physical world",
}
"""The eight shelves in the order in which they are listed, each with what lies there."""

TASKS = (
    "code generation",
    "combinatorial optimisation",
    "continual learning",
    "data curation",
    "document retrieval",
    "efficient inference",
    "fine-tuning",
    "generalisation",
    "graph learning",
    "image captioning",
    "image classification",
    "image-text retrieval",
    "in-context learning",
    "interpretability",
    "language modelling",
    "model selection",
    "motion perception",
    "object counting",
    "optimisation",
    "partial differential equations",
    "question answering",
    "sentence embedding",
    "sequence modelling",
    "survey",
    "text classification",
    "text generation",
    "text recognition",
    "time series",
    "video recognition",
    "vision-language modelling",
    "word senses",
)
"""What a paper is for: the words that a card's `tasks` may use, so that like papers are found together."""

KINDS = ("direction", "size", "at least", "equality", "exactness", "existence", "scaling", "correlation")
"""What a claim asserts; each kind is judged by a rule of its own."""

SCALES = ("smoke", "laptop", "gpu", "paper")
"""The sizes that an experiment can be run at, smallest first."""

REPLICATES = ("seed", "item")


class CardError(OctavoError):
    """A card that cannot be read, with the file, the key, what was found and what is expected."""

    def __init__(self, file: Path, key: str, found: str, expected: str) -> None:
        super().__init__(f"{file}: {key}: found {found}, expected {expected}")
        self.file = file
        self.key = key
        self.found = found
        self.expected = expected

    def __reduce__(self) -> tuple[type["CardError"], tuple[Path, str, str, str]]:
        # An exception of four arguments does not cross a process by itself.
        return type(self), (self.file, self.key, self.found, self.expected)


@dataclass(frozen=True)
class Claim:
    """One checkable sentence of an abstract; `octavo.catalogue` says what each field holds."""

    id: str
    says: str
    figure: str
    source: str
    kind: str
    condition: str
    unit: str = ""
    seeds: int = 1
    needs: tuple[str, ...] = ()
    scale: str = "laptop"
    replicates: str = "seed"
    caveat: str = ""
    later: str = ""
    later_source: str = ""
    controls: tuple[str, ...] = ()
    margin_why: str = ""


@dataclass(frozen=True)
class Paper:
    """One entry of the catalogue, as its card and its folder describe it."""

    slug: str
    shelf: str
    title: str
    arxiv: str
    year: int
    authors: tuple[str, ...]
    venue: str
    summary: str
    tasks: tuple[str, ...]
    folder: Path
    public: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    code: str = ""
    claims: tuple[Claim, ...] = ()
    opt_outs: dict[str, str] = field(default_factory=dict, hash=False)
    runs: bool = False
    """Whether its experiment exists."""
    has_demo: bool = False

    @property
    def module(self) -> str:
        """The name under which the paper's folder is imported."""
        return f"octavo.{self.shelf}.{self.slug}"

    @property
    def url(self) -> str:
        """Where the paper can be read."""
        return f"https://arxiv.org/abs/{self.arxiv}"


def read_card(file: Path) -> Paper:
    """Reads one card.

    Args:
        file: a ``paper.toml`` in a folder ``<shelf>/<slug>/``.

    Raises:
        CardError: something in it, or its place, is not as the catalogue expects.
    """
    try:
        state = file.stat()
    except OSError as error:
        raise CardError(file, "file", error.strerror or str(error), "a card that can be read") from None
    card = dict(_read(file, state.st_mtime_ns, state.st_size))
    card["opt_outs"] = dict(card.get("opt_outs", {}))
    folder = file.parent
    runs, has_demo = (folder / "experiment.py").is_file(), (folder / "demo.py").is_file()
    return Paper(**card, folder=folder, runs=runs, has_demo=has_demo)


@lru_cache(maxsize=1024)
def _read(file: Path, changed: int, size: int) -> dict[str, Any]:
    """The card's fields; `changed` and `size` are there so that an edited card is read again."""
    shelf, slug = file.parts[-3:-1]
    if shelf not in SHELVES:
        raise CardError(file, "shelf (the folder)", repr(shelf), rules.one_of(shelf, SHELVES))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug) or iskeyword(slug):
        expected = "a name of a-z, 0-9 and _, such as pointer_network"
        raise CardError(file, "slug (the folder)", repr(slug), expected)
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardError(file, "file", error.strerror or str(error), "a card that can be read") from None
    except UnicodeDecodeError as error:
        raise CardError(file, "file", f"a byte at {error.start} that is not UTF-8", "UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        expected = "TOML: a text in quotes, a list in brackets"
        raise CardError(file, "syntax", str(error), expected) from None
    card = _check(file, "", table, PAPER_RULES)
    if slug in card.get("public", ()):
        raise CardError(file, "public", f"{slug!r}", "names other than the paper's own folder")
    return card | {"slug": slug, "shelf": shelf, "claims": _claims(file, card.get("claims", []))}


def _claims(file: Path, tables: list[Any]) -> tuple[Claim, ...]:
    claims: dict[str, Claim] = {}
    for index, table in enumerate(tables):
        if not isinstance(table, dict):
            raise CardError(file, f"claims[{index}]", rules.show(table), "a table, written under [[claims]]")
        name = table.get("id")
        where = f"claim {name}: " if isinstance(name, str) and name else f"claims[{index}]: "
        claim = Claim(**_check(file, where, table, CLAIM_RULES))
        if claim.id in claims:
            raise CardError(
                file, f"{where}id", f"{claim.id!r} a second time", "an id that no other claim has"
            )
        if bool(claim.later) != bool(claim.later_source):
            there, absent = ("later", "later_source") if claim.later else ("later_source", "later")
            raise CardError(file, f"{where}{absent}", "nothing", f"a text, since {there} is given")
        claims[claim.id] = claim
    return tuple(claims.values())


def _check(file: Path, where: str, table: dict[str, Any], allowed: dict[str, Rule]) -> dict[str, Any]:
    """The table's values, each as its rule reads it."""
    for key in table:
        if key not in allowed:
            raise CardError(file, where + key, "a key that is not known", rules.one_of(key, allowed))
    values = {}
    for key, rule in allowed.items():
        try:
            if key in table or rule.required:
                values[key] = rule.read(table.get(key))
        except WrongValueError as wrong:
            raise CardError(file, where + key + wrong.place, wrong.found, wrong.expected) from None
    return values


PAPER_RULES: dict[str, Rule] = {
    "title": Rule(text("the paper's title, a text", 300)),
    "arxiv": Rule(
        pattern(
            r"\d\d(0[1-9]|1[0-2])\.\d{4,5}|[a-z]+(-[a-z]+)?(\.[A-Z]{2})?/\d{7}",
            "an arXiv id as text, without version, such as '2405.13956' or 'cs/0112017'",
        )
    ),
    "year": Rule(number(1950, 2099, "the year of the first version, a whole number such as 2024")),
    "authors": Rule(several(text("an author's name, a text", 100), "the authors, a list of texts", least=1)),
    "venue": Rule(text("where it appeared, a text such as 'NeurIPS 2022' or 'preprint'", 120)),
    "summary": Rule(text("two or three sentences on what it is and why one might care", 800)),
    "tasks": Rule(several(choice(TASKS), "what it is for, a list of texts", least=1)),
    "public": Rule(several(public_name, "the public names, a list of texts"), required=False),
    "data": Rule(
        several(text("a data set's name, a text", 100), "data sets, a list of texts"), required=False
    ),
    "code": Rule(
        pattern(r"|https?://\S+", "the official repository's https address, or nothing"), required=False
    ),
    "opt_outs": Rule(reasons, required=False),
    "claims": Rule(tables, required=False),
}

CLAIM_RULES: dict[str, Rule] = {
    "id": Rule(
        pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "a short name without spaces, such as 'constant_memory'")
    ),
    "says": Rule(text("the claim in our words, a text")),
    "figure": Rule(text("the paper's figure as text, such as '92.4 against 91.8'")),
    "source": Rule(text("where the paper gives it, a text such as 'Table 4'")),
    "kind": Rule(choice(KINDS)),
    "condition": Rule(text("a condition over records, such as 'accuracy(a, D) >= accuracy(b, D) - 0.02'")),
    "seeds": Rule(number(1, 10_000, "how many seeds were planned, a whole number from 1")),
    "unit": Rule(text("a unit, a text such as 'points'"), required=False),
    "needs": Rule(
        several(text("'gpu', 'hub', a data set or a package", 100), "what it needs, a list of texts"),
        required=False,
    ),
    "scale": Rule(choice(SCALES), required=False),
    "replicates": Rule(choice(REPLICATES), required=False),
    "controls": Rule(several(text("a system's name", 100), "systems, a list of texts"), required=False),
    "margin_why": Rule(text("why this margin, a text"), required=False),
    "caveat": Rule(text("what is weak in the paper's protocol, a text"), required=False),
    "later": Rule(text("what later evidence says, a text"), required=False),
    "later_source": Rule(text("where later evidence is found, a text"), required=False),
}
