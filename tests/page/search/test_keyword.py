"""Words find papers: fields, phrases, exclusions, filters, beginnings."""

from dataclasses import replace

import pytest

from octavo.page.search import KeywordIndex, parse, postings
from octavo.page.store import Filters, ListedPaper, Store


@pytest.fixture
def index(any_store: Store, papers: list[ListedPaper]) -> KeywordIndex:
    texts = [
        ("Attention as an RNN", "A recurrent network computes attention with constant memory."),
        ("Retrieval of memories", "Memories are recalled. The title of this one says nothing of attention."),
        ("Vision", "We attend to images; constant dripping hollows memory."),
    ]
    some = [replace(p, title=t, abstract=a) for p, (t, a) in zip(papers, texts, strict=False)]
    any_store.papers.put(some)
    return KeywordIndex(any_store.database)


def rows(index: KeywordIndex, typed: str, filters: Filters | None = None) -> list[int]:
    return [row for row, _ in index.search(parse(typed), filters)]


def test_all_words_come_before_some(index: KeywordIndex) -> None:
    assert rows(index, "constant memory attention")[0] == 1
    assert set(rows(index, "constant memory attention")) == {1, 2, 3}
    scores = [score for _, score in index.search(parse("attention"))]
    assert scores == sorted(scores, reverse=True)


def test_a_word_in_the_title_counts_more(index: KeywordIndex) -> None:
    assert rows(index, "attention") == [1, 2]
    assert set(rows(index, "memories")) == {1, 2, 3}  # found by its stem


def test_phrases_fields_and_exclusions(index: KeywordIndex) -> None:
    assert rows(index, '"constant memory"') == [1]
    assert rows(index, "title:retrieval") == [2]
    assert rows(index, "author:zollner") == rows(index, "author:Zöllner")
    assert len(rows(index, "author:zollner")) == 3
    assert rows(index, "memory -retrieval -vision") == [1]
    assert rows(index, "rnn OR images") == [1, 3]


def test_filters(index: KeywordIndex) -> None:
    assert rows(index, "memory", Filters(category="cs.IR")) == [2]
    assert rows(index, "memory", Filters(since="2024-01-03")) == [3]
    assert rows(index, "memory", Filters(ours=True)) == []


def test_an_index_follows_its_papers(index: KeywordIndex, any_store: Store) -> None:
    paper = any_store.papers.by_rows([3])[0]
    any_store.papers.put([replace(paper, title="Something else", abstract="Nothing.", version=2)])
    assert rows(index, "images") == []
    assert rows(index, "something") == [3]


def test_what_is_kept_of_a_word_is_as_the_store_stands(any_store: Store, papers: list[ListedPaper]) -> None:
    index = KeywordIndex(any_store.database)
    assert rows(index, "attention") == []
    any_store.papers.put(papers)
    assert rows(index, "attention") == [3]
    any_store.papers.put([replace(papers[0], title="Attention anew", version=2)])
    assert set(rows(index, "attention")) == {1, 3}


def test_a_word_that_is_everywhere_is_looked_for_in_titles(
    store: Store, papers: list[ListedPaper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "MOST", 3)
    store.papers.put(replace(each, abstract=f"{each.abstract} Of memory.") for each in papers)
    assert rows(KeywordIndex(store.database), "memory") == [6]
    assert rows(KeywordIndex(store.database), "study")[:1] == []


def test_many_papers_of_one_score_are_in_the_order_of_rows(store: Store) -> None:
    store.papers.put(ListedPaper(f"x{number}", "One title", "Streams.") for number in range(1300))
    index = KeywordIndex(store.database)
    assert rows(index, "streams") == list(range(1, 201))
    assert [row for row, _ in index.search(parse("streams"), Filters(ours=False), 1300)] == list(
        range(1, 1301)
    )


def test_titles_that_begin_to_be_typed(index: KeywordIndex) -> None:
    assert index.complete("attention as an r") == [("2401.00001", "Attention as an RNN")]
    assert index.complete("retr")[0][1] == "Retrieval of memories"
    assert index.complete("a") == index.complete('"*') == []
