"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Config:
    """Every field is a flag; MRL and what it is compared with share all of them."""

    seeds: int = 5
    """Seeds of the learned comparisons."""
    encoder: Literal["minilm", "ngrams"] = "minilm"
    """What turns texts into vectors: all-MiniLM-L6-v2, or counts of letter groups that need no model."""
    dims: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256)
    """The nesting list of intents; the last is the size of the embedding."""
    between: tuple[int, ...] = (6, 24, 96)
    """Sizes that are measured and not trained."""
    hidden: int = 512
    """Units before the embedding."""
    epochs: int = 10
    """Epochs of intents."""
    batch_size: int = 128
    """Vectors a step."""
    learning_rate: float = 1.6e-2
    """Of AdamW, for nested embeddings and what is compressed; the best of `grid` on validation queries."""
    rival_rates: tuple[float, ...] = (3.2e-2, 3.2e-2, 3.2e-2, 3.2e-2, 1.6e-2, 8e-3, 8e-3)
    """Of AdamW, for an embedding of each size alone, in the order of `dims`; the best of `grid` as well."""
    weight_decay: float = 1e-2
    """Of AdamW."""
    queries_an_intent: int = 100
    """Training queries of each intent."""
    test_queries: int = 4500
    """Test queries of intents."""

    grid: tuple[float, ...] = (2e-3, 8e-3, 1.6e-2, 3.2e-2)
    """Learning rates that both sides are tuned on."""
    tuned_rivals: tuple[int, ...] = (8, 32, 256)
    """Sizes whose own embedding is tuned on them."""
    decays: tuple[float, ...] = (0.1,)
    """Weight decays that are tried beside the one that is used."""
    tail_least: int = 2
    """Training queries of the rarest intent of the long tail."""
    tail_grid: tuple[float, ...] = (8e-3, 1.6e-2, 3.2e-2)
    """Learning rates that both sides are tuned on under the long tail."""
    tail_epochs: int = 20
    """Epochs of the long tail, which has a quarter of the queries."""
    typos: float = 0.1
    """Share of letters that are disturbed."""
    disturbed_every: int = 2
    """Of the test queries every n-th is disturbed."""
    dropped: float = 0.2
    """Share of words that are left out."""

    low: int = 16
    """Dimensions of the shortlist."""
    shortlist: int = 200
    """Candidates that are ranked again."""
    database: int = 200_000
    """Vectors of the database whose search is timed."""
    timed_queries: int = 30
    """Queries of a timed round."""
    cost_repeats: int = 401
    """Rounds in which the deployed encoders are timed."""

    sentence_dims: tuple[int, ...] = (12, 24, 48, 96, 192, 384)
    """The nesting list of sentences."""
    plain_dims: tuple[int, ...] = (8, 16, 32, 64, 128)
    """Further sizes at which vectors that nothing was trained on are measured."""
    sentence_pairs: int = 1299
    """Entailed pairs of SICK that sentences are trained on; it has 1,299."""
    sentence_batch: int = 64
    """Pairs, or queries, a step where the encoder itself is trained."""
    sentence_epochs: int = 2
    """Epochs of sentences."""
    tower_layers: int | None = 1
    """Upper layers of the encoder that are trained; None trains all of it."""
    tower_learning_rate: float = 5e-4
    """Of AdamW, for those layers."""
    tower_queries: int = 10
    """Queries of each intent that the encoder itself is trained on."""
    tower_test: int = 1500
    """Test queries of intents that it is tested on."""
    tower_epochs: int = 3
    """Epochs of intents, where the encoder itself is trained."""
    tower_rivals: tuple[int, ...] = (384,)
    """Sizes at which the encoder is trained for one size."""
    rated_pairs: int = 1379
    """Rated pairs of the STS Benchmark that are tested on."""
    adaptor_pairs: int = 750
    """Pairs of its validation split whose sentences an adaptor is fitted to, without their ratings."""

    adaptor_epochs: int | None = None
    """Epochs of an adaptor; None for its own number."""

    label_encoder: Literal["minilm", "smollm2"] = "minilm"
    """What reads queries and labels before their towers: a sentence encoder, or a language model."""
    label_learning_rate: float = 2e-3
    """Of AdamW, for the two towers."""

    image_set: str = "CIFAR10-12k"
    """Labelled images."""
    image_every: int = 1
    """Of the image files every n-th is read."""
    image_size: int = 16
    """Pixels a side; images are averaged down to it."""
    images: int = 10_000
    """Training images."""
    image_depths: tuple[int, ...] = (1, 1, 1)
    """Residual blocks of each stage."""
    image_width: int = 16
    """Channels of the first stage."""
    image_block: Literal["basic", "bottleneck"] = "basic"
    """Two convolutions of 3 x 3, or a bottleneck."""
    image_stem: Literal["small", "large"] = "small"
    """Whether the first layer keeps the size of the image."""
    image_epochs: int = 4
    """Epochs of images."""
    image_batch: int = 100
    """Images a step."""
    image_learning_rate: float = 0.1
    """Of SGD with momentum, raised and lowered once."""
    image_rivals: tuple[int, ...] = ()
    """Sizes of images that are trained alone."""


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
