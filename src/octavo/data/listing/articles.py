"""Plain texts to read."""

from octavo.data.registry import Entry

ARTICLES: tuple[Entry, ...] = (
    Entry(
        name="wikitext2",
        kind="data",
        title="text: 120 verified articles of Wikipedia, the validation and test splits of WikiText-2",
        licence="CC BY-SA 3.0",
        origin="Merity et al. 2016, as github.com/pytorch/examples keeps it",
        homepage="https://arxiv.org/abs/1609.07843",
        loader="octavo.data.articles:load_wikitext",
        size=2_350_000,
        folder="wikitext2",
        layouts=(("wiki.valid.raw.txt", "wiki.test.raw.txt"),),
        by_hand="take valid.txt and test.txt from word_language_model/data/wikitext-2 of "
        "github.com/pytorch/examples and put them, as wiki.valid.raw.txt and wiki.test.raw.txt, into the "
        "folder wikitext2 of OCTAVO_DATA (their checksums there are unknown, so they are not fetched)",
    ),
)
"""All articles."""
