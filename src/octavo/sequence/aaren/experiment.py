"""Every claim of the abstract, measured beside the systems that it is about."""

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from octavo import data
from octavo.errors import Missing
from octavo.lab import Endless, Evaluation, Lab, Records, TensorData, colours, house_style, part, plot
from octavo.sequence.aaren import baselines, control, figures, identities
from octavo.sequence.aaren.agent import Units, Windows, imitation_loss, play
from octavo.sequence.aaren.attention import Aaren
from octavo.sequence.aaren.classifier import AarenClassifier
from octavo.sequence.aaren.cost import state_bytes, stream
from octavo.sequence.aaren.decision import AarenDecisionModel
from octavo.sequence.aaren.encoder import AarenEncoder, AarenLayer, MixerName
from octavo.sequence.aaren.forecaster import AarenForecaster
from octavo.sequence.aaren.objectives import (
    classification_loss,
    classified,
    event_loss,
    event_pieces,
    event_scores,
    forecast_errors,
    forecast_loss,
    gaps_and_marks,
)
from octavo.sequence.aaren.point_process import AarenPointProcess
from octavo.sequence.aaren.recall import Recaller, recall_batch
from octavo.sequence.aaren.scales import SCALES, Config
from octavo.sequence.aaren.systems import MIXERS, encoder_of, paired, sizes

__all__ = ["SCALES", "Config"]


def loaded(names: tuple[str, ...]) -> Iterator[Any]:
    """The data sets that are here, in turn; at the end the first that is not is reported missing."""
    missing: Missing | None = None
    for name in names:
        try:
            found = data.load(name)
        except Missing as error:
            missing = missing or error
            continue
        yield found
    if missing:
        raise missing


@part(seeds=2)
def exactness(config: Config, lab: Lab) -> None:
    """One token, blocks, or all at once: the same softmax. And its parallel scan, with rounds counted."""
    for dtype, name in ((torch.float64, "random_float64"), (torch.float32, "random_float32")):
        errors = identities.many_to_one_errors(config.instances, dtype, lab.generator("shapes"))
        for system, values in errors.items():
            lab.record(system=system, dataset=name, metric="max_error", value=max(values))
    lengths = (1, 2, 3, 63, 64, 65, 1000)
    parallel, recurrent, rounds = identities.scan_errors(lengths, lab.generator("scan"))
    surplus = max((r - (n - 1).bit_length() for r, n in zip(rounds, lengths, strict=True)), key=abs)
    for system, metric, value in (
        ("hillis_steele", "max_error", max(parallel)),
        ("hillis_steele", "surplus_rounds", surplus),
        ("sequential", "max_error", max(recurrent)),
    ):
        lab.record(system=system, dataset="prefix_lengths", metric=metric, value=value)


@part(seeds=2)
def rnn_view(config: Config, lab: Lab) -> None:
    """A Transformer's row is the cell with that row's query; what it must keep grows with every token."""
    errors = identities.query_of_the_newest_token(config.instances, lab.generator("rows"))
    for system, values in errors.items():
        lab.record(system=system, dataset="attention_rows", metric="max_error", value=max(values))
    for system, encoder in paired(
        config.systems, lab.key("init"), lambda mixer: AarenEncoder(8, 1, 2, mixer=mixer)
    ):
        for tokens in (10, 512, 4096, config.stored_tokens):
            with torch.no_grad():
                _, state = encoder.eval()(torch.zeros(1, tokens, 8), need_state=True)
            lab.record(
                system=system,
                dataset="stream",
                metric="state_bytes",
                value=state_bytes(state),
                unit="bytes",
                at={"tokens": tokens},
            )


@part(seeds=1)
def streaming_equals_parallel(config: Config, lab: Lab) -> None:
    """A stack fed token by token gives what it gave in parallel; a layer has d_model parameters more."""
    tokens = torch.randn(2, 200, config.width, generator=lab.generator("tokens"))
    for system, encoder in paired(config.systems, lab.key("init"), lambda mixer: encoder_of(config, mixer)):
        encoder.eval()
        with torch.no_grad():
            error = identities.difference(identities.step_by_step(encoder, tokens), encoder(tokens))
        lab.record(
            system="steps" if system == "aaren" else f"{system}_steps",
            dataset="forward",
            metric="max_error",
            value=error,
        )
    counted = {
        "aaren": AarenLayer(512, 8, 2048),
        "transformer": AarenLayer(512, 8, 2048, mixer="attention"),
        "torch_encoder_layer": nn.TransformerEncoderLayer(512, 8, 2048),
    }
    for system, layer in counted.items():
        number = sum(parameter.numel() for parameter in layer.parameters())
        lab.record(system=system, dataset="layer_512", metric="parameters", value=number)


@part(seeds=1, timed=True)
def unrolled_training(config: Config, lab: Lab) -> None:
    """Seconds of one training step, all positions at once and in a loop over tokens."""
    encoder = encoder_of(config, "aaren").to(lab.device).train()
    tokens = torch.randn(2, config.unrolled_tokens, config.width, generator=lab.generator("tokens")).to(
        lab.device
    )

    def parallel() -> None:
        encoder(tokens).square().mean().backward()

    def steps() -> None:
        identities.step_by_step(encoder, tokens).square().mean().backward()

    timings = lab.time({"parallel": parallel, "steps": steps}, repeats=7, warmup=1)
    for system in ("parallel", "steps"):
        lab.record(
            system=system,
            dataset="unrolled",
            metric="training_seconds",
            value=timings.median(system),
            unit="s",
            items=timings.seconds[system],
        )


@part(seeds=1, timed=True)
def streaming(config: Config, lab: Lab) -> None:
    """Cumulative seconds and bytes of one long stream."""
    encoders = {
        system: AarenEncoder(config.stream_width, config.stream_layers, 4, mixer=MIXERS[system])
        .to(lab.device)
        .eval()
        for system in ("aaren", "transformer", "lstm")
    }
    generator = lab.generator("tokens")
    tokens = [
        torch.randn(1, config.stream_width, generator=generator).to(lab.device)
        for _ in range(config.stream_tokens)
    ]
    for system, cost in stream(encoders, tokens).items():
        for at, seconds, size in zip(cost.tokens, cost.seconds, cost.bytes, strict=True):
            place = {"tokens": at}
            lab.record(system=system, dataset="stream", metric="seconds", value=seconds, unit="s", at=place)
            lab.record(
                system=system, dataset="stream", metric="stream_bytes", value=size, unit="bytes", at=place
            )
        growth = cost.bytes[-1] / cost.bytes[0]
        lab.record(system=system, dataset="stream", metric="seconds", value=cost.seconds[-1], unit="s")
        lab.record(system=system, dataset="stream", metric="state_growth", value=growth)
        lab.record(system=system, dataset="stream", metric="slope", value=cost.slope())


@part(seeds=5)
def classification(config: Config, lab: Lab) -> None:
    """Accuracy on labelled series; a fifth of the training series chooses the epoch."""
    for series in loaded(config.series_sets):
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
    return AarenClassifier(series.n_channels, series.n_classes, **sizes(config, mixer))


def series_tensors(split: Any) -> TensorData:
    """Padded series of one split, as a training reads them."""
    series, lengths = split.padded()
    padding = torch.arange(series.shape[1]) >= lengths[:, None]
    return TensorData(series=series, padding=padding, label=split.targets())


@part
def forecasting(config: Config, lab: Lab) -> None:
    """Squared error of forecasts, beside a linear map and the last value."""
    for series in loaded(config.forecast_sets):
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
            **sizes(config, mixer) | {"dropout": config.forecast_dropout},
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


@part
def events(config: Config, lab: Lab) -> None:
    """Likelihood, gap and mark of the next event, beside processes without memory."""
    for found in loaded(config.event_sets):
        train, test = (
            event_pieces(split[: config.event_users], config.event_crop)
            for split in (found.train, found.test)
        )
        gaps, marks, _ = gaps_and_marks(train)
        make = partial(point_process, config, found.n_marks, np.log(gaps))
        for system, model in paired(config.rivals, lab.key("init"), make):
            lab.fit(
                f"{system} on {found.name}",
                model,
                lambda model, batch, _: event_loss(model, batch),
                TensorData(**train),
                epochs=config.event_epochs,
                batch_size=config.batch_size,
                learning_rate=2 * config.learning_rate,
                schedule="cosine",
                clip_norm=1.0,
            )
            scores = event_scores(model, test)
            for metric in ("nll", "accuracy"):
                lab.record(
                    system=system,
                    dataset=found.name,
                    metric=metric,
                    value=scores[metric].mean(),
                    items=scores[metric],
                )
            lab.record(
                system=system, dataset=found.name, metric="rmse", value=scores["squared_error"].mean() ** 0.5
            )
        memoryless = baselines.MemorylessEvents.fitted(gaps, marks, found.n_marks)
        gaps, marks, times = gaps_and_marks(test)
        controls = {
            "poisson": memoryless.poisson(gaps, marks),
            "marginal": memoryless.log_normal(gaps, marks),
        }
        if found.name == "Sin":
            controls["true_process"] = -data.sin_log_density(times - gaps, times)
        for system, nll in controls.items():
            lab.record(system=system, dataset=found.name, metric="nll", value=nll.mean(), items=nll)
        guessed = marks == memoryless.frequencies.argmax()
        lab.record(
            system="marginal", dataset=found.name, metric="accuracy", value=guessed.mean(), items=guessed
        )
        error = (gaps - memoryless.mean) ** 2
        lab.record(system="marginal", dataset=found.name, metric="rmse", value=error.mean() ** 0.5)


def point_process(config: Config, n_marks: int, log_gaps: Any, mixer: MixerName) -> AarenPointProcess:
    """The model of events, in the units of the training data's gaps."""
    mean, deviation = float(log_gaps.mean()), float(log_gaps.std())
    return AarenPointProcess(n_marks, mean_log_gap=mean, std_log_gap=deviation, **sizes(config, mixer))


@part
def decisions(config: Config, lab: Lab) -> None:
    """Return of agents that learned from logged episodes: 0 a random one, 100 the expert."""
    for name in config.control_tasks:
        task = control.task(name, config.episode_steps)
        short = name.split("-")[0].lower()
        random = np.random.default_rng(lab.key("evaluation"))
        starts = [int(seed) for seed in random.integers(2**31, size=config.evaluation_episodes)]
        floor, top = (control.mean_return(task, act, starts) for act in (task.random, task.expert))
        for mixture in control.MIXTURES:
            dataset = f"{short}_{mixture.replace('-', '_')}"
            # The set is the same for every seed, as a published one would be.
            logged = control.episodes(task, mixture, config.episodes, seed=control.MIXTURES.index(mixture))
            units = Units.of(task, logged)
            make = partial(decision_model, config, task)
            for system, model in paired(config.rivals, lab.key("init"), make):
                lab.fit(
                    f"{system} on {dataset}",
                    model,
                    lambda model, batch, _: imitation_loss(model, batch),
                    Windows(task, logged, units, config.window),
                    steps=config.control_steps,
                    batch_size=config.batch_size,
                    learning_rate=2 * config.learning_rate,
                    schedule="cosine",
                    clip_norm=1.0,
                )
                totals = np.array(play(model, task, units, starts, top, config.window))
                scores = 100 * (totals - floor) / (top - floor)
                lab.record(system=system, dataset=dataset, metric="score", value=scores.mean(), items=scores)
            behaviour = np.array([100 * (episode.total - floor) / (top - floor) for episode in logged])
            lab.record(
                system="behaviour", dataset=dataset, metric="score", value=behaviour.mean(), items=behaviour
            )
            lab.record(system="random", dataset=dataset, metric="score", value=0.0)


def decision_model(config: Config, task: control.Task, mixer: MixerName) -> AarenDecisionModel:
    """The agent of a task; one head, as the code that the paper builds on."""
    own = sizes(config, mixer) | {"n_heads": 1}
    return AarenDecisionModel(task.observation_size, task.actions, discrete=task.discrete, **own)


@part
def recall(config: Config, lab: Lab) -> None:
    """Share of values recalled by their keys, for more and more pairs to choose from."""
    pairs, symbols = config.recall_pairs, config.recall_symbols

    def make(generator: torch.Generator, size: int) -> dict[str, Tensor]:
        number = pairs[int(torch.randint(len(pairs), (), generator=generator))]
        tokens, answers = recall_batch(size, number, 8, symbols, generator)
        return {"tokens": tokens, "answers": answers}

    for system, model in paired(
        config.systems,
        lab.key("init"),
        lambda mixer: Recaller(encoder_of(config, mixer), config.width, symbols),
    ):
        lab.fit(
            f"{system} on associative recall",
            model,
            lambda model, batch, _: model.loss(batch["tokens"], batch["answers"]),
            Endless(make),
            steps=config.recall_steps,
            batch_size=2 * config.batch_size,
            learning_rate=config.learning_rate,
            clip_norm=1.0,
        )
        shares = []
        for number in pairs:
            tokens, answers = recall_batch(256, number, 8, symbols, lab.generator("evaluation", number))
            with torch.no_grad():
                found = model(tokens.to(lab.device))[:, -8:].argmax(-1).cpu()
            shares.append((found == answers).double())
            lab.record(
                system=system,
                dataset="associative_recall",
                metric="accuracy",
                value=shares[-1].mean(),
                at={"pairs": number},
            )
        correct = torch.cat(shares).flatten()
        lab.record(
            system=system,
            dataset="associative_recall",
            metric="accuracy",
            value=correct.mean(),
            items=correct,
        )
    lab.record(system="chance", dataset="associative_recall", metric="accuracy", value=1 / symbols)


@plot
def cost_of_a_stream(records: Records) -> Any:
    """Time and memory against tokens: the paper's Figure 5."""
    found = records.where(part="streaming")
    seconds, size = (
        {system: _curve(found.where(system=system, metric=metric)) for system in found.systems}
        for metric in ("seconds", "stream_bytes")
    )
    kilobytes = {
        system: (tokens, [value / 1e3 for value in values]) for system, (tokens, values) in size.items()
    }
    return figures.stream_costs(seconds, kilobytes, colours(found.systems))


def _curve(records: Records) -> figures.Curve:
    placed = sorted((dict(record.at)["tokens"], record.value) for record in records if record.at)
    return [tokens for tokens, _ in placed], [value for _, value in placed]


@plot
def as_good_as_a_transformer(records: Records) -> Any:
    """Differences on every data set, a dot a seed."""
    rows = []
    for group, name, metric, sign, margin in (
        ("control: points of score", "decisions", "score", 1, 5.0),
        ("events: nats an event, sign turned", "events", "nll", -1, 0.03),
        ("events: accuracy of the mark", "events", "accuracy", 1, 0.01),
        ("classification: accuracy", "classification", "accuracy", 1, 0.02),
        ("forecasting: relative squared error, sign turned", "forecasting", "mse", -1, 0.05),
    ):
        found = records.where(part=name, metric=metric)
        for dataset in found.datasets:
            ours, theirs = (
                found.where(dataset=dataset, system=system).by_seed() for system in ("aaren", "transformer")
            )
            relative = {seed: theirs[seed] if metric == "mse" else 1.0 for seed in theirs}
            values = [sign * (ours[seed] - theirs[seed]) / relative[seed] for seed in ours if seed in theirs]
            # With one kind of mark there is nothing to be right about.
            if values and (name, metric, dataset) != ("events", "accuracy", "Sin"):
                rows.append((group, dataset, values, margin))
    return figures.forest(rows, colours(["aaren"])["aaren"])


@plot
def price_of_the_fixed_query(records: Records) -> Any:
    """Associative recall against the number of pairs."""
    found = records.where(part="recall", metric="accuracy")
    accuracy: dict[str, dict[int | float, list[float]]] = {}
    for record in found:
        if record.at:
            accuracy.setdefault(record.system, {}).setdefault(dict(record.at)["pairs"], []).append(
                record.value
            )
    chance = found.where(system="chance").values()
    return figures.recall_curves(accuracy, chance[0], colours(list(accuracy)))
