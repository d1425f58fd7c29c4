"""Sets of short stories with questions."""

from octavo.data.registry import Entry

_TASKS = (
    "qa1_single-supporting-fact",
    "qa2_two-supporting-facts",
    "qa3_three-supporting-facts",
    "qa4_two-arg-relations",
    "qa5_three-arg-relations",
    "qa6_yes-no-questions",
    "qa7_counting",
    "qa8_lists-sets",
    "qa9_simple-negation",
    "qa10_indefinite-knowledge",
    "qa11_basic-coreference",
    "qa12_conjunction",
    "qa13_compound-coreference",
    "qa14_time-reasoning",
    "qa15_basic-deduction",
    "qa16_basic-induction",
    "qa17_positional-reasoning",
    "qa18_size-reasoning",
    "qa19_path-finding",
    "qa20_agents-motivations",
)

STORIES: tuple[Entry, ...] = (
    Entry(
        name="bAbI",
        kind="data",
        title="stories: the 20 bAbI tasks in English, 1,000 + 1,000 questions each",
        licence="BSD, as its makers state",
        origin="Facebook AI Research, tasks_1-20_v1-2",
        homepage="https://research.facebook.com/downloads/babi/",
        loader="octavo.data.stories:load_babi",
        size=20_000_000,
        folder="babi/en",
        layouts=(tuple(f"{task}_{split}.txt" for task in _TASKS for split in ("train", "test")),),
    ),
    Entry(
        name="bAbI-style",
        kind="data",
        title="stories: people who walk, take and drop things, questions of 1, 2 or 3 facts",
        licence="generated",
        origin="generated from a seed",
        homepage="",
        loader="octavo.data.stories:load_generated_stories",
        generated=True,
    ),
)
