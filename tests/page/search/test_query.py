"""What a person types is understood, and whatever it is, it is harmless."""

import random
import sqlite3

import pytest

from octavo.page.search.keyword import KeywordIndex
from octavo.page.search.postings import fts5
from octavo.page.search.query import parse, tokenise
from octavo.page.store import Filters, ListedPaper, Store


def tokens(typed: str) -> list[list[tuple[str, ...]]]:
    return [[term.tokens for term in group] for group in parse(typed).groups]


def test_operators() -> None:
    assert tokens('recurrent "state space" OR ssm -"a vision" -title:image') == [
        [("recurrent",)],
        [("state", "space"), ("ssm",)],
    ]
    query = parse('"a vision" NOT x -title:image')
    assert query.groups[0][0].required
    assert query.without[0].field == "title"
    assert parse("author:feng title:rnn").groups[0][0].field == "authors"
    assert parse("author:feng rnn").text == "rnn"


def test_filters_in_the_text_win() -> None:
    query = parse("rnn in:cs.LG since:2020 until:2021-06 verdict:holds has:demo", Filters(category="cs.CL"))
    assert query.filters == Filters("cs.LG", None, "holds", "2020-01-01", "2021-06-31", True)
    assert parse("rnn since:soon").filters == Filters()


def test_ids_and_addresses() -> None:
    assert parse(" arXiv:2405.13956v2 ").id is None or parse("2405.13956v2").id == "2405.13956"
    assert parse("https://arxiv.org/abs/math.GT/0309136").id == "math.GT/0309136"
    assert tokens("https://example.org/x") == [[("https",)], [("example",)], [("org",)], [("x",)]]


def test_words_that_everybody_uses_do_not_count_unless_they_are_all() -> None:
    assert tokens("the attention of an rnn") == [[("attention",)], [("rnn",)]]
    assert tokens("to be or not") == [[("not",)]]
    assert tokens("to be") == [[("to",)], [("be",)]]


def test_accents_and_letters() -> None:
    assert tokenise("Zöllner ﬁne-tuning 变压器") == ["zollner", "fine", "tuning", "变压器"]


@pytest.mark.parametrize("typed", ["", "   ", '"', '""', "-", "OR", "AND NOT", "*", "^^^", ":", "()"])
def test_nothing_is_looked_for(typed: str, store: Store) -> None:
    assert parse(typed).empty
    assert KeywordIndex(store.database).search(parse(typed)) == []


def test_ten_thousand_strings_are_all_queries(store: Store, papers: list[ListedPaper]) -> None:
    store.papers.put(papers)
    connection = sqlite3.connect(store.folder / "page.sqlite")
    draw = random.Random(0)
    atoms = [
        *"\"*^:()-+{}[]<>'\\/;,.%_=&|!~@#$\0\n\tAZaz09é变\u202e\ud7ff",
        *(
            "AND",
            "OR",
            "NOT",
            "NEAR(",
            "title:",
            "author:",
            "papers_fts",
            "rank",
            "'; DROP TABLE papers; --",
            " ",
        ),
    ]
    for _ in range(10_000):
        query = parse(
            "".join(draw.choice(atoms) for _ in range(draw.randrange(30))), prefix=draw.random() < 0.3
        )
        for term in [term for group in (*query.groups, query.without) for term in group]:
            connection.execute(
                "SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?", (fts5(term),)
            ).fetchall()
    assert connection.execute("SELECT count(*) FROM papers").fetchone() == (6,)
    connection.close()


def test_a_very_long_query_is_cut() -> None:
    assert len(parse("word " * 10_000).groups) <= 48
    assert len(parse('"' + "word " * 10_000).groups) <= 48
