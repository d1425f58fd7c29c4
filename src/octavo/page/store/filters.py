"""What a list or a search of papers is narrowed to, as conditions on the table of papers."""

from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, and_, exists, or_, select

from octavo.page.store.tables import claims, paper_categories, papers


@dataclass(frozen=True)
class Filters:
    """What a list or a search is narrowed to; a field that is left out does not narrow.

    Args:
        category: one that the paper is listed under, such as `cs.CL`; `cs` finds all of `cs.*`.
        shelf: of this library.
        verdict: papers with a claim of this verdict; `needs` finds every `needs NAME`.
        since, until: days, both included.
        has_demo, runs: True for those that have it.
        author: part of an author's name.
        ours: True for the papers of this library.
        withdrawn: False leaves withdrawn papers out.
    """

    category: str | None = None
    shelf: str | None = None
    verdict: str | None = None
    since: str | None = None
    until: str | None = None
    has_demo: bool | None = None
    runs: bool | None = None
    author: str | None = None
    ours: bool | None = None
    withdrawn: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is narrowed."""
        return all(getattr(self, field.name) is None for field in fields(self))

    def conditions(self, *, walk: bool = False) -> list[ColumnElement[bool]]:
        """The filters as conditions on the table of papers, every value bound.

        Args:
            walk: ask each paper for its category, in the place of taking all papers of the category first:
                the way for categories so large that the first papers of any order have some of it.
        """
        found: list[ColumnElement[bool]] = []
        if self.category is not None:
            listed = paper_categories.c.category
            wanted = (
                listed == self.category
                if "." in self.category
                else or_(
                    listed == self.category,
                    # a range, so that the index serves it
                    and_(listed > self.category + ".", listed < self.category + "/"),
                )
            )
            if walk:
                found.append(exists().where(wanted, paper_categories.c.row == papers.c.row))
            else:
                found.append(papers.c.row.in_(select(paper_categories.c.row).where(wanted)))
        if self.shelf is not None:
            found.append(papers.c.shelf == self.shelf)
        if self.verdict is not None:
            same = (
                claims.c.verdict.startswith("needs ")
                if self.verdict == "needs"
                else claims.c.verdict == self.verdict
            )
            found.append(exists().where(claims.c.paper == papers.c.id, same))
        if self.since is not None:
            found.append(papers.c.published >= self.since)
        if self.until is not None:
            found.append(papers.c.published <= self.until)
        if self.author is not None:
            found.append(papers.c.authors.icontains(self.author, autoescape=True))
        if self.ours is not None:
            found.append(papers.c.slug.is_not(None) if self.ours else papers.c.slug.is_(None))
        for name in ("has_demo", "runs", "withdrawn"):
            if (value := getattr(self, name)) is not None:
                found.append(papers.c[name].is_(value))
        return found
