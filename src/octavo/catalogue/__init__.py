"""The papers, known from their cards alone: nothing is imported to list, search or describe them.

A paper is a folder ``<shelf>/<slug>/`` that holds a card, ``paper.toml``. The folders lie in the package and
in every folder that the environment variable ``OCTAVO_PAPERS`` names (separated as in ``PATH``), laid out the
same way. The folder says the paper's slug and shelf; the card says the rest::

    title = "Attention as an RNN"
    arxiv = "2405.13956"                  # or the old form, "cs/0112017"
    year = 2024                           # of the first version
    authors = ["Feng", "Tung"]
    venue = "preprint"
    summary = "Two or three sentences in our words: what it is and why one might care."
    tasks = ["sequence modelling"]        # each of `TASKS`

    # The rest of this table may be left out.
    public = ["Aaren"]                    # what the shelf re-exports: from octavo.sequence import Aaren
    data = ["ETTh1"]                      # data sets and pretrained models that the experiment uses
    code = "https://github.com/..."       # the official repository

    [opt_outs]                            # rows of the furniture test that do not apply, each with its reason
    compile = "the tree search is not a tensor program"

    [[claims]]                            # one for each checkable sentence of the abstract
    id = "classification"                 # unique in the card
    says = "The sentence in our words."
    figure = "see the table"              # the paper's figure as text
    source = "Table 4, not checked"
    kind = "equality"                     # one of `KINDS`
    condition = "abs(accuracy(aaren, BasicMotions) - accuracy(transformer, BasicMotions)) <= 0.02"
    seeds = 5                             # how many were planned before the first run

    # The rest of a claim may be left out.
    unit = "accuracy"
    needs = ["gpu"]                       # "gpu", "hub", a data set, a package
    scale = "laptop"                      # the smallest of `SCALES` that can speak to it
    replicates = "seed"                   # "seed" or "item": what the interval is taken over
    controls = ["constant"]               # systems that could explain the number away
    margin_why = "Why this margin and not another."
    caveat = "What is weak in the paper's protocol."
    later = "What later evidence says."
    later_source = "arXiv 2503.01234"     # where it says so; goes with `later`

A card that departs from this is a `CardError`, which names the file, the key, what was found and what is
expected. Conditions are kept as text; the ledger reads them.
"""

from octavo.catalogue.card import KINDS, SCALES, SHELVES, TASKS, CardError, Claim, Paper, read_card
from octavo.catalogue.find import paper, papers, roots
from octavo.catalogue.search import search
from octavo.catalogue.shelf import lazy_shelf
from octavo.catalogue.suggest import did_you_mean, suggest

__all__ = [
    "KINDS",
    "SCALES",
    "SHELVES",
    "TASKS",
    "CardError",
    "Claim",
    "Paper",
    "did_you_mean",
    "lazy_shelf",
    "paper",
    "papers",
    "read_card",
    "roots",
    "search",
    "suggest",
]
