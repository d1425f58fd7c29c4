"""`octavo search WORDS`: papers whose card has the words."""

import tyro

from octavo import catalogue
from octavo.cli import output
from octavo.cli.papers import print_papers, summary
from octavo.cli.parse import call
from octavo.errors import OctavoError


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints what is found."""
    return call(search, arguments, "octavo search")


def search(words: tyro.conf.Positional[tuple[str, ...]], all: bool = False, json: bool = False) -> int:
    """Papers whose card has the words, best first.

    Args:
        words: what to look for, authors and claims included; the beginning of a word is enough.
        all: search all papers of the page's store, by words and by meaning; the operators of its search work.
        json: print JSON.
    """
    if not words:
        raise OctavoError("octavo search needs WORDS, such as `octavo search attention`.")
    if all:
        return _everywhere(" ".join(words), json)
    found = catalogue.search(" ".join(words))
    if json:
        output.print_json([{**summary(paper), "score": score} for paper, score in found])
    elif found:
        print_papers([paper for paper, _ in found], by_shelf=False)
    else:
        print(f"No card has {' '.join(words)!r}. `octavo papers` lists them all.")
    return 0


def _everywhere(typed: str, json: bool) -> int:
    """Searches the index that the page searches."""
    try:
        from octavo.page.search import search_of
        from octavo.page.store import Store, page_folder
    except ModuleNotFoundError as error:
        raise OctavoError(f"Searching all papers needs {error.name}: pip install 'octavo[page]'") from None
    store = Store(folder=page_folder())
    if not store.papers.count():
        store.close()
        raise OctavoError("The page's store is empty; `octavo page import library` puts octavo's papers in.")
    search = search_of(store)
    with output.quiet_stdout(json):
        search.warm(wait=True)
        found = search.search(typed, limit=10)
    if json:
        fields = ("id", "slug", "title", "published", "votes", "url")
        hits = [
            {name: getattr(hit.paper, name) for name in fields} | {"score": hit.score, "why": hit.why}
            for hit in found.hits
        ]
        output.print_json(hits)
    elif found.hits:
        for hit in found.hits:
            print(f"{hit.paper.id:<14}  {hit.paper.title}\n{'':<16}{hit.paper.published[:4]}  {hit.why}")
    else:
        print(f"No paper has {typed!r}.")
    store.close()
    return 0
