"""Plain texts to read."""

from octavo.data.registry import Entry

_BOOKS = (
    "alice",
    "andersen",
    "black_beauty",
    "jungle_book",
    "little_colonel",
    "oz_land",
    "oz_wizard",
    "peter_pan",
    "secret_garden",
    "sherlock",
    "treasure_island",
    "willows",
)

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
    Entry(
        name="gutenberg_stories",
        kind="data",
        title="text: twelve books of stories from Project Gutenberg, about 37,000 sentences",
        licence="public domain",
        origin="the repositories of github.com/GITenberg, without header and trailer",
        homepage="https://www.gutenberg.org",
        loader="octavo.data.books:load_books",
        size=3_500_000,
        folder="gutenberg_stories",
        layouts=(tuple(f"{name}.txt" for name in _BOOKS),),
        by_hand="put the texts of twelve books, named "
        + ", ".join(f"{name}.txt" for name in _BOOKS)
        + ", into "
        "the folder gutenberg_stories of OCTAVO_DATA, without the header and trailer of Project Gutenberg "
        "(the cut files have no public origin with a known checksum)",
    ),
    Entry(
        name="newsgroups20",
        kind="data",
        title="text: 18,846 posts of 20 newsgroups, split by date, without headers and quotations",
        licence="CC BY 4.0 as the UCI archive lists it; the posts are their authors'",
        origin="K. Lang 1995, as github.com/yao8839836/text_gcn keeps it, joined into one table a split",
        homepage="https://archive.ics.uci.edu/dataset/113/twenty+newsgroups",
        loader="octavo.data.newsgroups:load_newsgroups",
        size=22_000_000,
        folder="newsgroups20",
        layouts=(("20news-bydate-train.tsv", "20news-bydate-test.tsv"),),
        by_hand="put 20news-bydate-train.tsv and 20news-bydate-test.tsv, rows of group, number, subject and "
        "text between tabs, into the folder newsgroups20 of OCTAVO_DATA",
    ),
    Entry(
        name="self_instruct",
        kind="data",
        title="instructions: 427 written by people, each with an answer",
        licence="Apache-2.0",
        origin="github.com/yizhongw/self-instruct (Wang et al., ACL 2023)",
        homepage="https://arxiv.org/abs/2212.10560",
        loader="octavo.data.instructions:load_instructions",
        size=520_000,
        folder="self_instruct",
        layouts=(("seed_tasks.jsonl", "user_oriented_instructions.jsonl"),),
        by_hand="take data/seed_tasks.jsonl and human_eval/user_oriented_instructions.jsonl from "
        "github.com/yizhongw/self-instruct and put them into the folder self_instruct of OCTAVO_DATA",
    ),
)
"""All articles."""
