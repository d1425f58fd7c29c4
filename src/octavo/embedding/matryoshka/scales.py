"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from annotated_types import Ge, Interval, MinLen

from octavo.lab.bounds import Count, NotNegative, Positive, Share

ENCODED = 384
"""Numbers of a text's vector, by either encoder."""
Sizes = Annotated[tuple[Count, ...], MinLen(2)]


@dataclass(frozen=True)
class Config:
    """Every field is a flag; MRL and what it is compared with share all of them."""

    seeds: int = 5
    """Seeds of the learned comparisons."""
    encoder: Literal["minilm", "ngrams"] = "minilm"
    """What turns texts into vectors: all-MiniLM-L6-v2, or counts of letter groups that need no model."""
    dims: Sizes = (4, 8, 16, 32, 64, 128, 256)
    """The nesting list of intents; the last is the size of the embedding."""
    between: tuple[Count, ...] = (6, 24, 96)
    """Sizes that are measured and not trained."""
    hidden: Count = 512
    """Units before the embedding."""
    epochs: Count = 10
    """Epochs of intents."""
    batch_size: Count = 128
    """Vectors a step."""
    learning_rate: Positive = 1.6e-2
    """Of AdamW, for nested embeddings and what is compressed; the best of `grid` on validation queries."""
    rival_rates: Annotated[tuple[Positive, ...], MinLen(1)] = (
        3.2e-2,
        3.2e-2,
        3.2e-2,
        3.2e-2,
        1.6e-2,
        8e-3,
        8e-3,
    )
    """Of AdamW, for an embedding of each size alone, in the order of `dims`; the best of `grid` as well."""
    weight_decay: NotNegative = 1e-2
    """Of AdamW."""
    queries_an_intent: Count = 100
    """Training queries of each intent."""
    test_queries: Annotated[int, Ge(150)] = 4500
    """Test queries of intents; one of each at least."""

    grid: Annotated[tuple[Positive, ...], MinLen(1)] = (2e-3, 8e-3, 1.6e-2, 3.2e-2)
    """Learning rates that both sides are tuned on."""
    tuned_rivals: tuple[Count, ...] = (8, 32, 256)
    """Sizes whose own embedding is tuned on them."""
    decays: tuple[NotNegative, ...] = (0.1,)
    """Weight decays that are tried beside the one that is used."""
    tail_least: Count = 2
    """Training queries of the rarest intent of the long tail."""
    tail_grid: Annotated[tuple[Positive, ...], MinLen(1)] = (8e-3, 1.6e-2, 3.2e-2)
    """Learning rates that both sides are tuned on under the long tail."""
    tail_epochs: Count = 20
    """Epochs of the long tail, which has a quarter of the queries."""
    typos: Share = 0.1
    """Share of letters that are disturbed."""
    disturbed_every: Count = 2
    """Of the test queries every n-th is disturbed."""
    dropped: Share = 0.2
    """Share of words that are left out."""

    low: Count = 16
    """Dimensions of the shortlist."""
    shortlist: Annotated[int, Ge(10)] = 200
    """Candidates that are ranked again."""
    database: Annotated[int, Ge(10)] = 200_000
    """Vectors of the database whose search is timed."""
    timed_queries: Count = 30
    """Queries of a timed round."""
    cost_repeats: Count = 401
    """Rounds in which the deployed encoders are timed."""

    sentence_dims: Sizes = (12, 24, 48, 96, 192, 384)
    """The nesting list of sentences."""
    plain_dims: tuple[Count, ...] = (8, 16, 32, 64, 128)
    """Further sizes at which vectors that nothing was trained on are measured."""
    sentence_pairs: Annotated[int, Ge(2)] = 1299
    """Entailed pairs of SICK that sentences are trained on; it has 1,299."""
    sentence_batch: Count = 64
    """Pairs, or queries, a step where the encoder itself is trained."""
    sentence_epochs: Count = 2
    """Epochs of sentences."""
    tower_layers: Annotated[int, Interval(ge=1, le=6)] | None = 1
    """Upper layers of the encoder that are trained; None trains all of it."""
    tower_learning_rate: Positive = 5e-4
    """Of AdamW, for those layers."""
    tower_queries: Count = 10
    """Queries of each intent that the encoder itself is trained on."""
    tower_test: Count = 1500
    """Test queries of intents that it is tested on."""
    tower_epochs: Count = 3
    """Epochs of intents, where the encoder itself is trained."""
    tower_rivals: tuple[Count, ...] = (384,)
    """Sizes at which the encoder is trained for one size."""
    rated_pairs: Annotated[int, Ge(2)] = 1379
    """Rated pairs of the STS Benchmark that are tested on."""
    adaptor_pairs: Count = 750
    """Pairs of its validation split whose sentences an adaptor is fitted to, without their ratings."""

    adaptor_epochs: Count | None = None
    """Epochs of an adaptor; None for its own number."""

    label_encoder: Literal["minilm", "smollm2"] = "minilm"
    """What reads queries and labels before their towers: a sentence encoder, or a language model."""
    label_learning_rate: Positive = 2e-3
    """Of AdamW, for the two towers."""

    image_set: str = "CIFAR10-12k"
    """Labelled images."""
    image_every: Count = 1
    """Of the image files every n-th is read."""
    image_size: Count = 16
    """Pixels a side; images are averaged down to it."""
    images: Count = 10_000
    """Training images."""
    image_depths: Annotated[tuple[Count, ...], MinLen(1)] = (1, 1, 1)
    """Residual blocks of each stage."""
    image_width: Count = 16
    """Channels of the first stage."""
    image_block: Literal["basic", "bottleneck"] = "basic"
    """Two convolutions of 3 x 3, or a bottleneck."""
    image_stem: Literal["small", "large"] = "small"
    """Whether the first layer keeps the size of the image."""
    image_epochs: Count = 4
    """Epochs of images."""
    image_batch: Count = 100
    """Images a step."""
    image_learning_rate: Positive = 0.1
    """Of SGD with momentum, raised and lowered once."""
    image_rivals: tuple[Count, ...] = ()
    """Sizes of images that are trained alone."""

    @property
    def image_features(self) -> int:
        """Numbers of an image's embedding."""
        widened = 4 if self.image_block == "bottleneck" else 1
        return (self.image_width << (len(self.image_depths) - 1)) * widened

    def __post_init__(self) -> None:
        """Refuse fields that do not fit each other.

        Raises:
            ValueError: which, and what each should be.
        """
        dims, sentences = self.dims, self.sentence_dims
        # An image that is halved at each stage, and before by a large stem, must stay larger than one pixel.
        least = (4 if self.image_stem == "large" else 1) << len(self.image_depths)
        checks = (
            (_nested(dims), f"dims={dims} must rise, and hold an eighth of its last size (claim M8)"),
            (
                len(self.rival_rates) == len(dims),
                f"rival_rates has {len(self.rival_rates)} rates for the {len(dims)} sizes of dims={dims}; "
                "give one a size, in their order",
            ),
            (
                not dims or all(dims[0] < size < dims[-1] for size in self.between),
                f"between={self.between} must lie between the first and the last of dims={dims}",
            ),
            (
                set(self.tuned_rivals) <= set(dims),
                f"tuned_rivals={self.tuned_rivals} must be among dims={dims}",
            ),
            (self.low <= max(dims, default=0), f"low={self.low} goes beyond dims={dims}"),
            (
                self.tail_least <= self.queries_an_intent,
                f"tail_least={self.tail_least} is more than queries_an_intent={self.queries_an_intent}",
            ),
            (
                _nested(sentences) and sentences[-1] == ENCODED,
                f"sentence_dims={sentences} must rise to {ENCODED}, and hold {ENCODED // 8} (claim M8)",
            ),
            (
                all(size <= ENCODED for size in (*self.plain_dims, *self.tower_rivals)),
                f"plain_dims={self.plain_dims} and tower_rivals={self.tower_rivals} end at {ENCODED}",
            ),
            (
                all(size <= self.image_features for size in self.image_rivals),
                f"image_rivals={self.image_rivals} go beyond an image's {self.image_features} numbers",
            ),
            (
                self.image_size >= least,
                f"image_size={self.image_size} must be at least {least} for {len(self.image_depths)} stages",
            ),
        )
        if wrong := [said for fits, said in checks if not fits]:
            raise ValueError("; ".join(wrong))


def _nested(sizes: tuple[int, ...]) -> bool:
    return bool(sizes) and all(low < high for low, high in pairwise(sizes)) and sizes[-1] // 8 in sizes


SCALES = {
    "smoke": Config(
        seeds=2,
        encoder="ngrams",
        hidden=32,
        epochs=1,
        queries_an_intent=3,
        test_queries=150,
        grid=(1.6e-2,),
        tuned_rivals=(256,),
        decays=(0.0,),
        tail_grid=(1.6e-2,),
        tail_epochs=1,
        database=640,
        timed_queries=2,
        cost_repeats=9,
        shortlist=20,
        sentence_pairs=64,
        rated_pairs=40,
        adaptor_pairs=40,
        adaptor_epochs=1,
        image_every=200,
        image_size=8,
        image_width=2,
        image_epochs=1,
        image_rivals=(8,),
    ),
    "laptop": Config(),
    "gpu": Config(
        epochs=30,
        tail_epochs=60,
        database=1_000_000,
        sentence_epochs=4,
        tower_layers=None,
        tower_learning_rate=5e-5,
        tower_queries=100,
        tower_test=4500,
        tower_epochs=5,
        tower_rivals=(12, 24, 48, 96, 192, 384),
        label_encoder="smollm2",
        image_size=32,
        image_depths=(2, 2, 2, 2),
        image_width=64,
        image_epochs=60,
        image_batch=256,
        image_rivals=(8, 16, 32, 64, 128, 256, 512),
    ),
    "paper": Config(
        epochs=30,
        tail_epochs=60,
        database=1_281_167,
        sentence_epochs=4,
        tower_layers=None,
        tower_learning_rate=5e-5,
        tower_queries=100,
        tower_test=4500,
        tower_epochs=5,
        tower_rivals=(12, 24, 48, 96, 192, 384),
        label_encoder="smollm2",
        image_set="ImageNet",
        image_size=192,
        images=1_281_167,
        image_depths=(3, 4, 6, 3),
        image_width=64,
        image_block="bottleneck",
        image_stem="large",
        image_epochs=40,
        image_batch=512,
        image_learning_rate=0.85,
        image_rivals=(8, 16, 32, 64, 128, 256, 512, 1024, 2048),
    ),
}
