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


def search(words: tyro.conf.Positional[tuple[str, ...]], json: bool = False) -> int:
    """Papers whose card has the words, best first.

    Args:
        words: what to look for, authors and claims included; the beginning of a word is enough.
        json: print JSON.
    """
    if not words:
        raise OctavoError("octavo search needs WORDS, such as `octavo search attention`.")
    found = catalogue.search(" ".join(words))
    if json:
        output.print_json([{**summary(paper), "score": score} for paper, score in found])
    elif found:
        print_papers([paper for paper, _ in found], by_shelf=False)
    else:
        print(f"No card has {' '.join(words)!r}. `octavo papers` lists them all.")
    return 0
