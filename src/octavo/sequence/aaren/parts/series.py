"""Learned comparisons on time series: classes and forecasts."""

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from octavo import data
from octavo.lab import Evaluation, Lab, TensorData, colours, house_style, part
from octavo.sequence.aaren import baselines, figures, identities
from octavo.sequence.aaren.attention import Aaren
from octavo.sequence.aaren.classifier import AarenClassifier
from octavo.sequence.aaren.encoder import AarenLayer, MixerName
from octavo.sequence.aaren.forecaster import AarenForecaster
from octavo.sequence.aaren.objectives import (
    classification_loss,
    classified,
    forecast_errors,
    forecast_loss,
)
from octavo.sequence.aaren.scales import Config
from octavo.sequence.aaren.systems import paired, sizes


@part(seeds=5)
def classification(config: Config, lab: Lab) -> None:
    """Accuracy on labelled series; a fifth of the training series chooses the epoch."""
    for series in data.load_each(config.series_sets):
        series = series.standardised()
        splits = series.hold_out(0.2, seed=lab.seed)
        train, validation, test = (series_tensors(split) for split in (*splits, series.test))
        for system, model in paired(
            config.rivals,
            lab.key("init"),
            partial(classifier, config, series),
        ):
            lab.fit(
                f"{system} on {series.name}",
                model,
                lambda model, batch, _: classification_loss(model, batch),
                train,
                epochs=config.series_epochs,
                batch_size=config.batch_size,
                learning_rate=config.learning_rate,
                clip_norm=1.0,
                evaluate=Evaluation(validation, classified),
                evaluate_every=-(-len(train) // config.batch_size),
                keep_best="min loss",
            )
            correct = Evaluation(test, classified).items(model)["accuracy"]
            lab.record(
                system=system, dataset=series.name, metric="accuracy", value=correct.mean(), items=correct
            )
        guessed = baselines.majority(series.train.labels, series.test.labels)
        lab.record(
            system="majority", dataset=series.name, metric="accuracy", value=guessed.mean(), items=guessed
        )


def classifier(config: Config, series: Any, mixer: MixerName) -> AarenClassifier:
    """The model of labelled series."""
    return AarenClassifier(series.n_channels, series.n_classes, **sizes(config, mixer, config.dropout))


def series_tensors(split: Any) -> TensorData:
    """Padded series of one split, as a training reads them."""
    series, lengths = split.padded()
    padding = torch.arange(series.shape[1]) >= lengths[:, None]
    return TensorData(series=series, padding=padding, label=split.targets())


@part
def forecasting(config: Config, lab: Lab) -> None:
    """Squared error of forecasts, beside a linear map and the last value."""
    for series in data.load_each(config.forecast_sets):
        series = series.standardised()
        for horizon in config.horizons:
            forecast_one(config, lab, series, horizon)


def forecast_one(config: Config, lab: Lab, series: Any, horizon: int) -> None:
    """All systems on one data set and horizon."""
    name, channels = f"{series.name}-{horizon}", series.values.shape[1]
    train, validation, test = (
        TensorData(
            **dict(
                zip(
                    ("past", "future"),
                    series.windows(split, config.context, horizon, stride=stride),
                    strict=True,
                )
            )
        )
        for split, stride in (
            ("train", config.train_stride),
            ("validation", 8 * config.test_stride),
            ("test", config.test_stride),
        )
    )
    simple: list[tuple[str, nn.Module]] = [("linear", baselines.DecomposedLinear(config.context, horizon))]
    learned = paired(
        config.rivals,
        lab.key("init"),
        lambda mixer: AarenForecaster(
            channels,
            config.context,
            horizon,
            **sizes(config, mixer, config.dropout_of_few_epochs),
        ),
    )
    shown = {}
    for system, model in (*simple, *learned):
        lab.fit(
            f"{system} on {name}",
            model,
            lambda model, batch, _: forecast_loss(model, batch),
            train,
            epochs=config.forecast_epochs,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            schedule="cosine",
            clip_norm=1.0,
            evaluate=Evaluation(validation, forecast_errors),
            evaluate_every=max(1, -(-len(train) // config.batch_size)),
            keep_best="min mse",
        )
        errors = Evaluation(test, forecast_errors).items(model)
        for metric, values in errors.items():
            lab.record(system=system, dataset=name, metric=metric, value=values.mean(), items=values)
        with torch.no_grad():
            shown[system] = model(test.tensors["past"][:1].to(lab.device))[0, :, -1].cpu().numpy()
        if (
            lab.seed == 0
            and system == "aaren"
            and isinstance(model, AarenForecaster)
            and horizon == config.horizons[0]
        ):
            show_weights(lab, model, test.tensors["past"][:1], name)
    last = baselines.repeat_last(test.tensors["past"], horizon) - test.tensors["future"]
    for metric, values in (("mse", last.square().mean((1, 2))), ("mae", last.abs().mean((1, 2)))):
        lab.record(system="repeat_last", dataset=name, metric=metric, value=values.mean(), items=values)
    if lab.seed == 0 and horizon == config.horizons[0]:
        with house_style():
            past, future = (test.tensors[part][0, :, -1].numpy() for part in ("past", "future"))
            title = f"{series.name}: {series.columns[-1]}, {horizon} hours ahead of the first test window"
            lab.figure(
                f"forecast-{name}", figures.forecasts(past, future, shown, colours(list(shown)), title)
            )


def show_weights(lab: Lab, model: AarenForecaster, past: Tensor, name: str) -> None:
    """Draws what the outputs of the first layer's first head are made of."""
    with torch.no_grad(), house_style():
        layer, series = model.encoder.layers[0], past.to(lab.device)
        variance, center = torch.var_mean(series, dim=1, keepdim=True, correction=0)
        tokens = model.embed((series - center) / (variance + 1e-5).sqrt())
        if model.encoder.positional is not None:
            tokens = tokens + model.encoder.positional(torch.arange(tokens.shape[1], device=tokens.device))
        weights = (
            identities.prefix_weights(cast(Aaren, layer.mixer), cast(AarenLayer, layer).norm1(tokens))[0, 0]
            .cpu()
            .numpy()
        )
        title = f"{name}: weights of every prefix, layer 1, head 1"
        lab.figure(f"weights-{name}", figures.prefix_weights(weights, title))
