"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from annotated_types import Ge, Interval, MinLen

from octavo.lab.bounds import Count, NotNegative, Positive, Share
from octavo.learning.gradient_noise.arithmetic import Task
from octavo.learning.gradient_noise.tables import NUMERIC, TEMPLATES

Digits = Literal["MNIST5k", "MNIST"]
Stories = Literal["bAbI-style", "bAbI"]


@dataclass(frozen=True)
class Config:
    """Every field is a flag; with and without noise share all of them but the noise."""

    seeds: int = 1
    """Units a part; restarts, each with a seed of its own, are stacked within a unit."""
    deep_restarts: Count = 10
    """Restarts of the deep network from all zeros."""
    simple_restarts: Count = 8
    """Restarts of it from N(0, 0.1^2)."""
    good_restarts: Count = 8
    """Restarts of it from the good initialisation."""
    deep_screening: Count | None = 2
    """Restarts of each trial where validation chooses between several; None for all of them."""
    digits: Digits = "MNIST5k"
    """Images that the deep network learns."""
    depth: Count = 20
    """Hidden layers of the deep network."""
    width: Count = 50
    """Units of each of them."""
    deep_steps: Count = 6000
    """Steps of the deep network from the poor initialisations."""
    good_steps: Count = 4000
    """Its steps from the good one, where it learns sooner."""
    deep_batch: Count = 50
    """Images a step."""
    deep_rate: Positive = 0.05
    """Learning rate of SGD."""
    deep_eta: NotNegative = 0.3
    """Variance of the noise at the first step of the deep network."""
    gamma: NotNegative = 0.55
    """How fast the variance falls, in every part."""
    deep_clip: Positive | None = 10.0
    """Longest gradient of the deep network; the paper has 10, 100 and none."""
    other_clips: tuple[Positive | None, ...] = ()
    """Further ways to clip, each with rows of its own; None is not at all."""
    tried: tuple[tuple[Positive, NotNegative], ...] = ()
    """Further pairs of learning rate and eta that are tried; validation chooses, with and without noise."""
    tried_when_good: tuple[tuple[Positive, NotNegative], ...] = ((0.05, 0.01),)
    """Pairs that are tried from the good initialisation besides, where the noise need not start anything."""
    evaluations: Count = 30
    """How often the deep network is looked at."""

    stories: Stories = "bAbI-style"
    """Stories of the memory network."""
    story_tasks: Annotated[tuple[Count, ...], MinLen(1)] = (1, 2, 3)
    """Its tasks."""
    story_train: Count = 1000
    """Generated stories to train on."""
    story_test: Count = 500
    """Generated stories to be judged by."""
    story_restarts: Count = 16
    """Its restarts without a warm start, stacked."""
    story_warm_restarts: Count = 3
    """Those with one."""
    story_warm: Share = 0.1
    """Share of its training that is linear, where it has a warm start."""
    story_warm_rate: Share = 0.2
    """Learning rate while it is linear, as a share of what it would be."""
    story_gaps: Share = 0.1
    """Most empty sentences among those of a story while it is learned, as a share of these."""
    story_epochs: Count = 40
    """Its passes over the stories."""
    story_batch: Count = 32
    """Stories a step."""
    story_rate: Positive = 0.01
    """Learning rate of SGD for the sum over a batch, as in the original; halved each quarter."""
    story_eta: NotNegative = 1.0
    """Variance of its noise at the first step."""
    story_width: Count = 20
    """Size of its vectors."""

    table_restarts: Count = 6
    """Restarts of the Neural Programmer, stacked."""
    text_restarts: Count = 6
    """Those on questions about words."""
    table_templates: Annotated[tuple[str, ...], MinLen(1)] = (
        "sum",
        "count",
        "greater count",
        "lesser count",
        "greater sum",
        "lesser sum",
    )
    """Kinds of questions."""
    text_templates: Annotated[tuple[str, ...], MinLen(1)] = ("match count", "match sum", "match print")
    """Kinds of questions about tables with words."""
    text_steps: Count = 800
    """Training steps on these."""
    table_program: Count = 2
    """Operations of a program."""
    table_steps: Count = 4000
    """Its training steps."""
    table_batch: Count = 50
    """Questions a step."""
    table_rate: Positive = 3e-3
    """Learning rate of Adam."""
    table_eta: NotNegative = 1e-4
    """Variance of its noise at the first step, under Adam and clipping at 1."""
    table_width: Count = 32
    """Size of its vectors."""
    table_rows: tuple[Count, Count] = (3, 8)
    """Fewest and most rows of a table."""

    sum_task: Task = "addition"
    """What the Neural GPU computes."""
    sum_bits: Annotated[int, Interval(ge=1, le=31)] = 4
    """Bits of each number."""
    sum_restarts: Count = 48
    """Restarts of the Neural GPU, stacked."""
    sum_steps: Count = 900
    """Its training steps."""
    sum_batch: Count = 8
    """Problems a step."""
    sum_rate: Positive = 0.01
    """Learning rate of Adam, falling to zero on a cosine."""
    sum_eta: NotNegative = 1e-3
    """Variance of its noise at the first step, under Adam and clipping at 1."""
    sum_maps: Count = 12
    """Numbers at a place of the image."""
    sum_layers: Count = 1
    """Gated units a step."""

    machine_hops: Annotated[tuple[Count, ...], MinLen(1)] = (4,)
    """Cells of the chains of pointers that the neural random-access machine follows."""
    machine_integers: Annotated[int, Ge(3)] = 8
    """Integers that it knows, and cells of its memory."""
    machine_registers: Count = 4
    """Its registers."""
    machine_width: Count = 64
    """Units of its controller."""
    machine_restarts: Count = 4
    """Its restarts, stacked."""
    machine_steps: Count = 200
    """Its training steps."""
    machine_batch: Count = 32
    """Problems a step."""
    machine_rate: Positive = 0.01
    """Learning rate of Adam, falling to zero on a cosine."""
    machine_eta: NotNegative = 1e-3
    """Variance of its noise at the first step, under Adam and clipping at 1."""

    tuned_sentences: Count = 80
    """Sentences that the language model is fine-tuned on."""
    tuned_tests: Count = 100
    """Sentences that it is tested on."""
    tuned_layers: Count = 2
    """Layers that are adapted, the last ones."""
    tuned_steps: Count = 16
    """Steps of eight sentences."""
    tuned_restarts: Count = 2
    """Restarts of the adaptors."""
    tuned_eta: NotNegative = 1e-4
    """Variance of its noise at the first step, under AdamW and clipping at 1."""

    timed_repeats: Count = 9
    """Repetitions of a step of the deep network; the language model has five fewer."""
    timed_tokens: Annotated[int, Ge(2)] = 512
    """Tokens of a step of the language model."""
    small_language_model: bool = False
    """Time a tiny random language model, which needs no data."""

    def __post_init__(self) -> None:
        """Refuse fields that do not fit each other.

        Raises:
            ValueError: which, and what each should be.
        """
        tasks = 3 if self.stories == "bAbI-style" else 20
        fewest, most = self.table_rows
        checks = (
            (
                all(task <= tasks for task in self.story_tasks),
                f"story_tasks={self.story_tasks}: {self.stories} has the tasks 1 to {tasks}",
            ),
            (
                set(self.table_templates) <= set(NUMERIC),
                f"table_templates={self.table_templates} must be among {', '.join(NUMERIC)}",
            ),
            (
                set(self.text_templates) <= set(TEMPLATES),
                f"text_templates={self.text_templates} must be among {', '.join(TEMPLATES)}",
            ),
            (fewest <= most, f"table_rows={self.table_rows} must be the fewest and the most"),
            (
                all(hops < self.machine_integers for hops in self.machine_hops),
                f"machine_hops={self.machine_hops} must be fewer than "
                f"machine_integers={self.machine_integers}",
            ),
        )
        if wrong := [said for fits, said in checks if not fits]:
            raise ValueError("; ".join(wrong))


LAPTOP = Config()
SCALES = {
    "smoke": Config(
        deep_restarts=2,
        simple_restarts=2,
        good_restarts=2,
        depth=3,
        width=10,
        deep_steps=6,
        good_steps=6,
        evaluations=2,
        story_restarts=2,
        story_warm_restarts=2,
        story_epochs=1,
        story_train=20,
        story_test=10,
        story_batch=10,
        table_restarts=2,
        text_restarts=2,
        table_steps=4,
        text_steps=4,
        table_batch=8,
        table_width=8,
        sum_restarts=2,
        sum_bits=2,
        sum_steps=4,
        sum_maps=4,
        machine_hops=(1,),
        machine_integers=4,
        machine_registers=2,
        machine_width=8,
        machine_restarts=2,
        machine_steps=4,
        tuned_sentences=8,
        tuned_tests=8,
        tuned_layers=1,
        tuned_steps=2,
        tuned_restarts=2,
        timed_repeats=2,
        timed_tokens=8,
        small_language_model=True,
    ),
    "laptop": LAPTOP,
    "gpu": replace(
        LAPTOP,
        deep_restarts=40,
        simple_restarts=40,
        good_restarts=40,
        deep_screening=None,
        other_clips=(None,),
        deep_steps=20_000,
        good_steps=20_000,
        tried=((0.1, 0.01), (0.1, 0.3), (0.03, 1.0), (0.01, 1.0)),
        story_restarts=10,
        story_test=1000,
        story_warm_restarts=10,
        story_epochs=100,
        table_restarts=8,
        text_restarts=8,
        table_templates=NUMERIC,
        table_program=4,
        table_steps=40_000,
        text_templates=("count", "greater count", "greater sum", "match count", "match sum", "match print"),
        text_steps=40_000,
        table_width=128,
        machine_hops=(2, 4, 6),
        machine_restarts=256,
        machine_steps=5000,
        tuned_sentences=2000,
        tuned_tests=1000,
        tuned_layers=30,
        tuned_steps=750,
        sum_task="multiplication",
        sum_bits=5,
        sum_restarts=512,
        sum_steps=10_000,
        sum_batch=32,
        sum_maps=24,
        sum_layers=2,
    ),
    "paper": replace(
        LAPTOP,
        deep_restarts=40,
        simple_restarts=40,
        good_restarts=40,
        deep_screening=None,
        other_clips=(100.0, None),
        digits="MNIST",
        deep_steps=100_000,
        good_steps=100_000,
        tried=((0.1, 0.01), (0.1, 0.3), (0.1, 1.0), (0.01, 0.01), (0.01, 0.3), (0.01, 1.0)),
        stories="bAbI",
        story_tasks=tuple(range(1, 21)),
        story_restarts=10,
        story_test=1000,
        story_warm_restarts=10,
        story_epochs=100,
        table_restarts=8,
        text_restarts=8,
        table_templates=NUMERIC,
        table_program=4,
        table_steps=200_000,
        text_templates=tuple(TEMPLATES),
        text_steps=200_000,
        table_width=256,
        table_rows=(30, 100),
        machine_hops=(2, 4, 8),
        machine_integers=16,
        machine_restarts=512,
        machine_steps=20_000,
        tuned_sentences=6920,
        tuned_tests=1821,
        tuned_layers=30,
        tuned_steps=2600,
        tuned_restarts=5,
        sum_task="multiplication",
        sum_bits=20,
        sum_restarts=3645,
        sum_steps=100_000,
        sum_batch=32,
        sum_maps=24,
        sum_layers=2,
    ),
}
