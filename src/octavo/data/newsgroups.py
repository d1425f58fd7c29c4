"""Posts of newsgroups, each with its group."""

from dataclasses import dataclass, field

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Posts:
    """Posts of one split.

    Args:
        texts: the bodies, on one line each.
        groups: the name of each one's group.
        subjects: their subjects.
    """

    texts: tuple[str, ...] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)
    subjects: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, group: str) -> tuple[str, ...]:
        """The texts of one group."""
        return tuple(text for text, name in zip(self.texts, self.groups, strict=True) if name == group)


@dataclass(frozen=True)
class Newsgroups:
    """A collection of posts, split by date.

    Args:
        name: the data set's name.
        train, test: the earlier and the later posts.
    """

    name: str
    train: Posts
    test: Posts


def load_newsgroups(entry: Entry) -> Newsgroups:
    """Read rows of group, number, subject and text between tabs; posts of fewer than five words are left out.

    Raises:
        OctavoError: a row has another form.
    """

    def split(name: str) -> Posts:
        path = entry.files[f"20news-bydate-{name}.tsv"]
        rows = []
        for number, line in enumerate(lines(path), start=1):
            row = line.split("\t")
            if len(row) != 4:
                raise OctavoError(
                    f"{path}, row {number}: expected group, number, subject, text; got {len(row)} columns"
                )
            if len(row[3].split()) >= 5:
                rows.append(row)
        return Posts(tuple(r[3] for r in rows), tuple(r[0] for r in rows), tuple(r[2] for r in rows))

    return Newsgroups(entry.name, split("train"), split("test"))
