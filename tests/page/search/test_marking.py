"""The words of a query are found in a paper in other forms, and the snippet shows where."""

import pytest

from octavo.page.search.marking import LENGTH, Marker
from octavo.page.search.query import parse
from octavo.page.store import ListedPaper


def pieces(query: str, abstract: str) -> str:
    snippet = Marker(parse(query)).snippet(abstract)
    return (
        "" if snippet is None else "".join(f"[{text}]" if found else text for text, found in snippet.pieces)
    )


@pytest.mark.parametrize(
    ("query", "abstract", "shown"),
    [
        ("memory", "Memories\nof a stream.", "[Memories] of a stream."),
        ("memory", "Of memorable things.", ""),
        ("learned models", "We learn; modelling learners.", "We [learn]; modelling [learners]."),
        (
            '"constant memory"',
            "In constant, memory; constant memory.",
            "In [constant, memory]; [constant memory].",
        ),
        ("author:feng streams", "Feng streams.", "Feng [streams]."),
        ("zollner", "By Zöllner, İx.", "By [Zöllner], İx."),
        ("<b>", "a <b> c", "a <[b]> c"),
    ],
)
def test_what_is_marked(query: str, abstract: str, shown: str) -> None:
    assert pieces(query, abstract) == shown


def test_the_piece_with_most_words_is_shown() -> None:
    filler = "Some words that say nothing at all. " * 12
    shown = pieces("gradient noise", f"A gradient. {filler}The gradient has noise. {filler}")
    assert shown.startswith("…The [gradient] has [noise]. Some")
    assert shown.endswith("…")
    assert len(shown) < LENGTH + 10


def test_words_of_fields() -> None:
    paper = ListedPaper("1", "Retrieval of streams", "An abstract.", ("Émile Zöllner",))
    assert Marker(parse("author:zollner title:abstract stream vision")).words(paper) == ("zollner", "stream")
