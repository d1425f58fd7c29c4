"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass
from typing import Literal

OptimizerName = Literal["adamw", "adadelta"]


@dataclass(frozen=True)
class Config:
    """Every field is a flag; all readers of one part share its data."""

    seeds: int = 3
    """Seeds of what is trained."""

    digit_steps: int = 650
    """Training steps on strings of digits."""
    digit_batch: int = 16
    """Strings a step."""
    digit_width: float = 0.25
    """Size of the networks that read digits, as a share of the paper's."""
    classifier_steps: int = 250
    """Training steps of the classifier of single digits, of 64 each."""
    test_strings: int = 300
    """Strings of each test set."""
    tuning_strings: int = 100
    """Training strings on which the cutter is chosen."""

    words: int | None = None
    """Words of IIIT5k that are read; None for all 3,000."""
    squashed_width: int = 160
    """Width to which every word is squashed, at height 64."""
    squashed_widths: tuple[int, ...] = (80, 120, 200, 320)
    """Widths to which some of the words are squashed, for a curve."""
    curve_words: int = 300
    """Words of that curve."""
    peer_words: int = 600
    """Words that RapidOCR reads as well."""
    batch_size: int = 16
    """Words of one width that are read together."""
    dictionary: int = 50_000
    """Words of the dictionary."""
    dictionary_words: int | None = None
    """Words of IIIT5k, all in the dictionary, that are looked up in it; None for all of them."""
    timed_words: int = 100
    """Words whose search is timed."""
    tree_words: int = 20
    """Words for which the tree's visits are counted."""
    deltas: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    """Edit distances that are tried; 1, 3 and 5 must be among them."""
    dictionary_sizes: tuple[int, ...] = (800, 3200, 12_800, 50_000)
    """Dictionaries in which the tree's work is counted."""

    rendered_steps: int = 0
    """Training steps of a reader of rendered lines; 0 takes the weights that come with octavo."""
    all_fonts: bool = True
    """Render with all fonts of the machine; otherwise with those that are the same everywhere."""
    rendered_batch: int = 64
    """Lines a step."""
    optimizer: OptimizerName = "adamw"
    """Of that reader; the paper has ADADELTA."""
    rendered_width: float = 1.0
    """Size of that reader, as a share of the paper's."""
    rendered_test: int = 400
    """Rendered lines that are read."""

    fragments: int = 500
    """Fragments of music to train on."""
    test_fragments: int = 120
    """Fragments of held-out tunes."""
    tuning_fragments: int = 40
    """Training fragments on which the reader by rules is tuned."""
    music_short_steps: int = 600
    """Training steps on the shortest quarter of the fragments, before all of them."""
    music_steps: int = 1200
    """Training steps on music."""
    music_batch: int = 8
    """Fragments a step."""
    music_width: float = 0.25
    """Size of the network that reads music, as a share of the paper's."""


SCALES = {
    "smoke": Config(
        seeds=1,
        digit_steps=2,
        digit_batch=8,
        digit_width=0.05,
        classifier_steps=2,
        test_strings=16,
        tuning_strings=8,
        words=12,
        peer_words=4,
        squashed_widths=(160,),
        dictionary=3000,
        dictionary_words=3,
        timed_words=2,
        tree_words=2,
        curve_words=4,
        dictionary_sizes=(300, 3000),
        rendered_steps=2,
        rendered_batch=4,
        all_fonts=False,
        rendered_width=0.05,
        rendered_test=8,
        fragments=6,
        test_fragments=4,
        tuning_fragments=2,
        music_short_steps=2,
        music_steps=2,
        music_batch=4,
        music_width=0.05,
    ),
    "laptop": Config(),
    "gpu": Config(
        digit_steps=4000,
        classifier_steps=2000,
        digit_batch=64,
        digit_width=1.0,
        test_strings=2000,
        peer_words=3000,
        curve_words=3000,
        rendered_steps=30_000,
        rendered_test=5000,
        fragments=60_000,
        test_fragments=2000,
        music_short_steps=1000,
        music_steps=8000,
        music_batch=64,
        music_width=1.0,
    ),
    "paper": Config(
        digit_steps=20_000,
        classifier_steps=4000,
        digit_batch=64,
        digit_width=1.0,
        test_strings=5000,
        peer_words=3000,
        curve_words=3000,
        rendered_steps=125_000,
        optimizer="adadelta",
        rendered_test=10_000,
        fragments=265_000,
        test_fragments=5000,
        music_short_steps=4000,
        music_steps=40_000,
        music_batch=64,
        music_width=1.0,
    ),
}
