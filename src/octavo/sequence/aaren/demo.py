"""A live stream: a value comes in, a forecast goes out, and what is remembered stays the same few bytes."""

import time
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from octavo import data
from octavo.lab import TensorData, colours, house_style
from octavo.lab.fit import fit
from octavo.sequence.aaren import figures
from octavo.sequence.aaren.encoder import MixerName
from octavo.sequence.aaren.forecaster import AarenForecaster

CONTEXT = 48
LAGS = 24


def demo(
    series: Literal["heartbeat", "ETTh1", "ETTh2"] = "heartbeat",
    values: int = 200,
    horizon: int = 24,
    steps: int = 150,
    seed: int = 0,
) -> dict[str, Any]:
    """Trains a forecaster for seconds, then feeds it a stream value by value.

    Args:
        series: a generated electrocardiogram, or the oil temperature of an electricity transformer.
        values: how many values stream in.
        horizon: how many values ahead are forecast.
        steps: training steps; more forecast better and take longer.
        seed: of the weights, the batches and the heartbeat.
    """
    if values < 1 or steps < 1:
        raise ValueError(
            f"values={values} and steps={steps} must be at least 1; 200 and 150 are good numbers"
        )
    past, future = _series(series, seed)
    length = CONTEXT + values
    if len(future) < length + horizon + LAGS:
        raise ValueError(
            f"values={values} and horizon={horizon} need a stream of {length + horizon + LAGS}, "
            f"{series} has {len(future)}; use fewer"
        )
    models = {system: _forecaster(mixer, horizon, seed) for system, mixer in _MIXERS.items()}
    model = models["aaren"]
    # Trained on stretches as long as the stream, with a forecast wanted after every value.
    stretches = _items(past).unfold(0, length + horizon, 7).mT
    fit(
        "demo",
        model,
        lambda model, batch, _: _loss(model, batch["stretch"], horizon),
        TensorData(stretch=stretches),
        steps=steps,
        batch_size=4,
        learning_rate=5e-3,
        schedule="cosine",
        clip_norm=1.0,
        seed=seed,
    )
    items = _items(future)[: length + horizon]
    stream = items[:, -1]
    forecasts, sizes, seconds = _stream(models, items, values)
    wanted = stream.unfold(0, horizon, 1)[CONTEXT + 1 :]
    error = float((forecasts - wanted).abs().mean())
    naive = float((stream[CONTEXT : CONTEXT + values, None] - wanted).abs().mean())
    with house_style():
        drawn = figures.live_stream(stream.numpy(), forecasts.numpy(), CONTEXT, sizes, colours(list(models)))
    return {
        "text": _told(stream, forecasts, sizes),
        "values": values,
        "mean_error": error,
        "mean_error_of_repeating_the_last_value": naive,
        "milliseconds_a_value": 1e3 * seconds / values,
        "bytes_of_aaren": sizes["aaren"][-1],
        "bytes_of_a_transformer": sizes["transformer"][-1],
        "figure": drawn,
    }


_MIXERS: dict[str, MixerName] = {"aaren": "aaren", "transformer": "attention"}


def _forecaster(mixer: MixerName, horizon: int, seed: int) -> AarenForecaster:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AarenForecaster(
            LAGS, CONTEXT, horizon, d_model=32, n_layers=2, n_heads=4, dropout=0.0, mixer=mixer
        ).eval()


def _items(series: Float[Tensor, " time"]) -> Float[Tensor, "items lags"]:
    """Each value with the few before it: the shape that one value does not show."""
    return series.unfold(0, LAGS, 1)


def _loss(model: AarenForecaster, stretch: Float[Tensor, "batch time lags"], horizon: int) -> Tensor:
    forecasts = model(stretch[:, :-horizon], all_steps=True)[..., -1]
    wanted = stretch[..., -1].unfold(1, horizon, 1)[:, CONTEXT:]
    return torch.nn.functional.mse_loss(forecasts, wanted)


@torch.no_grad()
def _stream(
    models: dict[str, AarenForecaster], items: Float[Tensor, "time lags"], values: int
) -> tuple[Float[Tensor, "values horizon"], dict[str, list[int]], float]:
    """Aaren's forecast after each value, the bytes that each model remembers, and Aaren's seconds."""
    forecasts, seconds = [], 0.0
    sizes: dict[str, list[int]] = {system: [] for system in models}
    states = {system: model.start(items[None, :CONTEXT])[1] for system, model in models.items()}
    for item in items[CONTEXT : CONTEXT + values]:
        for system, model in models.items():
            begin = time.perf_counter()
            forecast, states[system] = model.update(item[None], states[system])
            if system == "aaren":
                seconds += time.perf_counter() - begin
                forecasts.append(forecast[0, :, -1])
            sizes[system].append(states[system].nbytes + item.nbytes)
    return torch.stack(forecasts), sizes, seconds


def _told(stream: Tensor, forecasts: Tensor, sizes: dict[str, list[int]]) -> str:
    """A line for some of the values that came in."""
    lines = ["", "    value in    next forecast    what came    Aaren remembers    a KV-cache holds"]
    for index in sorted({*np.geomspace(1, len(forecasts), 8).astype(int).tolist()}):
        at = CONTEXT + index - 1
        lines.append(
            f"{index:>5}: {stream[at]:>6.2f} {forecasts[index - 1, 0]:>14.2f} {stream[at + 1]:>14.2f}"
            f" {sizes['aaren'][index - 1]:>14,} B {sizes['transformer'][index - 1]:>16,} B"
        )
    return "\n".join(lines)


def _series(name: str, seed: int) -> tuple[Float[Tensor, " past"], Float[Tensor, " future"]]:
    """What is trained on, and what streams in afterwards."""
    if name == "heartbeat":
        beats = torch.from_numpy(heartbeat(4000, seed))
        return beats[:2500], beats[2500:]
    series = data.load(name).standardised()
    return (torch.from_numpy(series.part(part)[:, -1].copy()) for part in ("train", "test"))  # type: ignore[return-value]


def heartbeat(length: int, seed: int) -> Float[np.ndarray, " time"]:
    """An electrocardiogram of some 24 samples a beat, whose rate wanders.

    Args:
        length: samples.
        seed: of the rate and of the noise.

    Example:
        >>> heartbeat(100, seed=0).shape
        (100,)
    """
    random = np.random.default_rng(seed)
    wander = np.convolve(random.normal(size=length + 200), np.ones(200) / 200**0.5, mode="valid")[:length]
    phase = np.cumsum((1 + 0.05 * wander) / 24) % 1.0
    # Place in the beat, width and height of its five waves P, Q, R, S and T.
    waves = (
        (0.18, 0.03, 0.15),
        (0.29, 0.02, -0.2),
        (0.33, 0.022, 1.4),
        (0.375, 0.02, -0.35),
        (0.6, 0.06, 0.35),
    )
    beat = sum(height * np.exp(-0.5 * ((phase - place) / width) ** 2) for place, width, height in waves)
    noise = 0.02 * random.normal(size=length)
    return np.asarray(beat + noise, np.float32)
