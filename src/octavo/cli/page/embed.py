"""`octavo page embed`: vectors for the papers that lack them, so that they are found by meaning."""

import sys
from pathlib import Path
from typing import Literal

from octavo.cli.parse import call
from octavo.page.embed import embed as embed_papers
from octavo.page.search import Encoder, MiniLM, static_from_minilm, vectors_of
from octavo.page.search.encoders import text_of
from octavo.page.store import Store

SAMPLE = 2000


def main(arguments: list[str]) -> int:
    """Reads the arguments and encodes."""
    return call(embed, arguments, "octavo page embed")


def embed(
    encoder: Literal["minilm", "static"] = "minilm",
    device: str = "cpu",
    limit: int | None = None,
    folder: Path | None = None,
) -> int:
    """Encodes the papers that have no vector yet; stopped and started again it goes on.

    Args:
        encoder: `minilm`, or `static`: coarser and many times faster, for a large import's first day.
        device: where MiniLM computes, such as cuda.
        limit: at most so many papers.
        folder: the page's folder, where that is not the usual one.
    """
    store = Store(folder=folder)
    index = vectors_of(store)
    chosen: Encoder
    if encoder == "static":
        papers = store.papers.listed(order="newest", limit=SAMPLE)
        chosen = static_from_minilm([text_of(paper.title, paper.abstract) for paper in papers])
    else:
        chosen = MiniLM(device, batch_size=64 if device == "cpu" else 1024)
    done = embed_papers(store, index, chosen, limit=limit, progress=_say)
    store.close()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(f"{done.papers:,} papers encoded, {len(index):,} have a vector")
    if done.recall == done.recall:
        print(f"recall@10 of the stages against exact search: {done.recall:.3f}")
    return 0


def _say(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} papers", end="", file=sys.stderr, flush=True)
