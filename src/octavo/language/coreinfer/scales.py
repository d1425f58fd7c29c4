"""How large the experiment is, from seconds to a tuned model on a GPU."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Every field is a flag of `octavo run coreinfer`."""

    seeds: int = 1
    """Seeds of each part; the texts are the replicates."""
    model: str = "smollm2"
    """smollm2, the stand-in of the smoke scale, or a folder or hub name of another model."""
    precision: str = "float32"
    """The dtype of the weights, as torch names it."""
    layers: tuple[int, ...] = (6, 26)
    """The first and the last layer that is sliced, as in the official code; speed is of all layers."""
    keeps: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    """Shares of neurons."""
    token_share: float = 0.4
    """The share of neurons in a token's core."""
    bounds_everywhere: bool = False
    """Measure at all shares what stands beside the table, such as each token's own core."""
    texts: int = 4
    """Texts of each of five kinds, at all shares."""
    more_texts: int = 10
    """Texts of each kind at two fifths, these among them."""
    written: int = 2
    """Texts of each kind that are written on."""
    prompt: int = 192
    """Tokens of a prompt."""
    short: int = 12
    """Tokens of a short prompt."""
    continuation: int = 64
    """Tokens that follow."""
    static_texts: int = 12
    """Other texts of each kind, whose core is that of no text in particular."""
    cluster_texts: int = 40
    """Other texts of each kind that are clustered."""
    cluster_tokens: int = 64
    """Tokens of each of these."""
    growing: int = 3
    """Texts of each of four kinds whose core is followed as they grow."""
    pairs: int = 600
    """Sentence pairs of each benchmark, in six groups."""
    topic_texts: int = 15
    """Texts of each of four topics."""
    examples: int = 3
    """Examples of each topic before a query."""
    queries: int = 144
    """Queries that are sorted by topic, with all neurons and with two fifths."""
    some_queries: int = 48
    """Those of them that are sorted at all shares."""
    rounds: int = 15
    """Rounds of the timing."""
    tuning_steps: int = 0
    """Steps of tuning with ReLU; none without a GPU."""
    tuning_batch: int = 32
    """Texts of a step."""
    tuning_tokens: int = 512
    """Tokens of a text."""


SCALES = {
    "smoke": Config(
        model="stand_in",
        layers=(0, 2),
        keeps=(0.4, 0.8),
        texts=1,
        more_texts=2,
        written=1,
        prompt=24,
        continuation=8,
        static_texts=1,
        cluster_texts=2,
        cluster_tokens=24,
        growing=1,
        pairs=24,
        topic_texts=4,
        examples=1,
        queries=8,
        some_queries=4,
        rounds=2,
        tuning_steps=2,
        tuning_batch=2,
        tuning_tokens=24,
    ),
    "laptop": Config(),
    "gpu": Config(
        bounds_everywhere=True,
        texts=20,
        more_texts=20,
        written=20,
        static_texts=40,
        cluster_texts=200,
        growing=20,
        pairs=1200,
        topic_texts=60,
        queries=400,
        some_queries=400,
        rounds=51,
        tuning_steps=3000,
    ),
    "paper": Config(
        model="meta-llama/Llama-3.1-8B",
        precision="bfloat16",
        bounds_everywhere=True,
        texts=20,
        more_texts=20,
        written=20,
        prompt=512,
        static_texts=40,
        cluster_texts=200,
        growing=20,
        pairs=1200,
        topic_texts=60,
        queries=400,
        some_queries=400,
        rounds=51,
    ),
}
