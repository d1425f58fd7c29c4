"""How large the experiment is, from seconds to a model of the paper's size."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Every field is a flag of `octavo run lm_head_neurons`."""

    seeds: int = 3
    """Seeds of the shuffles, the texts and the prompts; the weights of the model are what they are."""
    model: str = "smollm2"
    """What is read: smollm2, the stand-in of the smoke scale, or a folder or hub name of another model."""
    base: str = ""
    """The base of an instructed model, a folder or hub name; SmolLM2 has HuggingFaceTB/SmolLM2-135M."""
    precision: str = "float32"
    """The dtype of the weights, as torch names it."""
    null: int = 4096
    """Shuffled neurons that set the threshold."""
    controls: int = 3072
    """Further shuffled neurons, to see how many pass it."""
    probed_layers: tuple[float, ...] = (0.345, 0.69, 0.863, 1.0)
    """Which layers are probed with every seed, as shares of the way from the first to the last."""
    late_layers: float = 0.48
    """From this share of the way on, gate and down are read as well."""
    windows: int = 80
    """Texts that activations are measured on."""
    window_tokens: int = 64
    """Tokens of each."""
    specialists: int = 100
    """Specialised neurons whose selectivity is measured."""
    randoms: int = 5
    """Random neurons of the same layer beside each."""
    openings: int = 20
    """Prompts after which a clamp is measured."""
    clamped: int = 120
    """Neurons of the last layer that are clamped."""
    clamped_middle: int = 20
    """Neurons of the layers before the last ones."""
    value: float = 20.0
    """What neurons are held at."""
    curve: tuple[float, ...] = (-40.0, -30.0, -20.0, -10.0, -5.0, 5.0, 10.0, 20.0, 30.0, 40.0)
    """Values of the curve of the dog neuron."""
    tuning_steps: tuple[int, ...] = (20, 60)
    """After how many steps of tuning the top tokens are compared."""
    tuning_tokens: int = 48
    """Tokens of a step."""
    full_rate: float = 1e-3
    """Learning rate where all weights are tuned."""
    low_rank_rate: float = 1e-2
    """Learning rate of the low-rank steps."""
    rank: int = 8
    """Rank of the low-rank steps."""
    questions: int = 20
    """Questions for the favourite animal."""
    samples: int = 5
    """Drawn answers to each, beside the greedy one."""
    new_tokens: int = 22
    """Tokens of an answer."""
    candidates: tuple[float, ...] = (10.0, 20.0, 30.0)
    """Values of the clamp that the calibration questions choose from."""
    looped: int = 24
    """Neurons that the one-by-one peer of the timing reads."""
    rounds: int = 7
    """Rounds of the timing."""
    shapes: tuple[int, ...] = (1, 512, 4096, 16_384)
    """Layers, neurons, width and vocabulary of the random weights that are mapped for time."""


LLAMA_8B = (32, 14_336, 4096, 128_256)

SCALES = {
    "smoke": Config(
        seeds=1,
        model="stand_in",
        null=1000,
        controls=200,
        probed_layers=(0.0, 1.0),
        windows=4,
        window_tokens=32,
        specialists=4,
        randoms=1,
        openings=4,
        clamped=4,
        clamped_middle=2,
        curve=(-5.0, 5.0),
        tuning_steps=(20, 60),
        tuning_tokens=16,
        questions=2,
        samples=1,
        new_tokens=3,
        candidates=(10.0, 20.0),
        looped=4,
        rounds=1,
        shapes=(1, 32, 16, 64),
    ),
    "laptop": Config(),
    "gpu": Config(
        model="HuggingFaceTB/SmolLM2-1.7B-Instruct",
        base="HuggingFaceTB/SmolLM2-1.7B",
        windows=1024,
        window_tokens=256,
        specialists=500,
        openings=60,
        clamped=500,
        clamped_middle=200,
        samples=20,
        new_tokens=48,
        shapes=LLAMA_8B,
    ),
    "paper": Config(
        model="meta-llama/Llama-3.1-8B-Instruct",
        base="meta-llama/Llama-3.1-8B",
        precision="bfloat16",
        windows=1024,
        window_tokens=256,
        specialists=500,
        openings=60,
        clamped=500,
        clamped_middle=200,
        samples=20,
        new_tokens=48,
        shapes=LLAMA_8B,
    ),
}
