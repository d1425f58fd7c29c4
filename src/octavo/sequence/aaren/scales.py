"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass
from typing import Literal

System = Literal["aaren", "transformer", "gru", "lstm"]


@dataclass(frozen=True)
class Config:
    """Every field is a flag; Aaren and the Transformer share all of them."""

    seeds: int = 3
    """Seeds of the learned comparisons; classification always has 5, as the paper."""
    systems: tuple[System, ...] = ("aaren", "transformer", "gru")
    """What the identities, the states and recall are measured of."""
    rivals: tuple[System, ...] = ("aaren", "transformer")
    """What is trained on the data sets."""
    width: int = 64
    """Size of a token."""
    layers: int = 2
    """Encoder layers."""
    heads: int = 4
    """Attention heads; control has one, as the code that the paper builds on."""
    dropout: float = 0.1
    """Share of activations dropped in classification, which sees few series many times, and in recall."""
    dropout_of_few_epochs: float = 0.0
    """The same in forecasting, events and control, whose few epochs leave nothing to overfit."""
    learning_rate: float = 1e-3
    """Of AdamW."""
    batch_size: int = 16
    """Sequences a step."""

    instances: int = 20
    """Random shapes on which the identities are checked."""
    stored_tokens: int = 10_000
    """Longest stream whose state is weighed."""
    unrolled_tokens: int = 512
    """Length at which parallel training is timed against a loop over tokens."""
    stream_tokens: int = 8192
    """Tokens of the timed stream; a power of two."""
    stream_width: int = 128
    """Size of a token of the timed stream."""
    stream_layers: int = 4
    """Layers of the timed stream."""

    series_sets: tuple[str, ...] = ("BasicMotions", "JapaneseVowels")
    """Data sets of classification."""
    series_epochs: int = 60
    """Epochs of classification."""

    forecast_sets: tuple[str, ...] = ("ETTh1", "ETTh2")
    """Data sets of forecasting."""
    horizons: tuple[int, ...] = (96, 192)
    """Steps to forecast."""
    context: int = 96
    """Steps that a forecast sees."""
    forecast_epochs: int = 3
    """Epochs of forecasting."""
    train_stride: int = 4
    """Steps between the training windows of forecasting."""
    test_stride: int = 2
    """Steps between its test windows."""

    event_sets: tuple[str, ...] = ("StackOverflow", "Sin")
    """Data sets of event forecasting."""
    event_epochs: int = 3
    """Epochs of event forecasting."""
    event_crop: int = 128
    """Events of a training sequence, and of what a forecast looks back on."""
    event_users: int = 1600
    """Most sequences that are trained on."""

    control_tasks: tuple[str, ...] = ("Pendulum-v1", "CartPole-v1")
    """Environments of gymnasium."""
    episodes: int = 200
    """Logged episodes a set."""
    episode_steps: int | None = 200
    """Steps after which an episode is cut off; None for the environment's own number."""
    control_steps: int = 300
    """Training steps of control."""
    window: int = 20
    """Steps that an agent looks back."""
    evaluation_episodes: int = 20
    """Episodes that score an agent."""

    recall_pairs: tuple[int, ...] = (2, 4, 8, 16)
    """Numbers of pairs to recall from; training draws among them."""
    recall_symbols: int = 16
    """Keys, and values, of the recall task."""
    recall_steps: int = 400
    """Training steps of the recall task."""


SCALES = {
    "smoke": Config(
        seeds=2,
        width=8,
        layers=1,
        heads=2,
        batch_size=32,
        instances=2,
        unrolled_tokens=16,
        stream_tokens=64,
        stream_width=8,
        stream_layers=1,
        series_epochs=1,
        horizons=(96, 192),
        forecast_epochs=1,
        train_stride=1500,
        test_stride=1200,
        event_epochs=1,
        event_crop=16,
        event_users=8,
        episodes=4,
        episode_steps=50,
        control_steps=2,
        window=4,
        evaluation_episodes=1,
        recall_pairs=(2, 4),
        recall_symbols=4,
        recall_steps=2,
    ),
    "laptop": Config(),
    "gpu": Config(
        seeds=5,
        episode_steps=None,
        rivals=("aaren", "transformer", "gru"),
        width=128,
        layers=3,
        batch_size=32,
        stream_tokens=65_536,
        series_sets=(
            "BasicMotions",
            "JapaneseVowels",
            "EthanolConcentration",
            "FaceDetection",
            "Handwriting",
            "Heartbeat",
            "PEMS-SF",
            "SelfRegulationSCP1",
            "SelfRegulationSCP2",
            "SpokenArabicDigits",
            "UWaveGestureLibrary",
        ),
        series_epochs=100,
        horizons=(96, 192, 336, 720),
        forecast_epochs=10,
        dropout_of_few_epochs=0.1,
        train_stride=1,
        test_stride=1,
        event_epochs=20,
        event_users=10_000,
        control_tasks=("Pendulum-v1", "CartPole-v1", "Hopper-v5", "HalfCheetah-v5"),
        episodes=1000,
        control_steps=5000,
        recall_pairs=(4, 8, 16, 32, 64),
        recall_symbols=64,
        recall_steps=5000,
    ),
    "paper": Config(
        seeds=5,
        episode_steps=None,
        rivals=("aaren", "transformer", "gru"),
        width=512,
        layers=2,
        heads=8,
        batch_size=32,
        learning_rate=1e-4,
        stream_tokens=65_536,
        series_sets=(
            "JapaneseVowels",
            "EthanolConcentration",
            "FaceDetection",
            "Handwriting",
            "Heartbeat",
            "PEMS-SF",
            "SelfRegulationSCP1",
            "SelfRegulationSCP2",
            "SpokenArabicDigits",
            "UWaveGestureLibrary",
        ),
        series_epochs=100,
        forecast_sets=("ETTh1", "ETTh2", "ETTm1", "ETTm2", "Exchange", "Weather", "ECL", "Traffic"),
        horizons=(96, 192, 336, 720),
        forecast_epochs=10,
        dropout_of_few_epochs=0.1,
        train_stride=1,
        test_stride=1,
        event_sets=("StackOverflow", "StackOverflowFull", "Sin"),
        event_epochs=100,
        event_users=10_000,
        control_tasks=("HalfCheetah-v5", "Ant-v5", "Hopper-v5", "Walker2d-v5"),
        episodes=1000,
        control_steps=100_000,
        evaluation_episodes=10,
        recall_pairs=(4, 8, 16, 32, 64),
        recall_symbols=64,
        recall_steps=20_000,
    ),
}
