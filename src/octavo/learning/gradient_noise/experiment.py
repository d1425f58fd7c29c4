"""Every claim of the abstract, measured: the same restarts with noise and without."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import torch
from scipy.stats import fisher_exact
from torch import Tensor, nn
from torch.nn import functional

from octavo import data
from octavo.data.stories import encode, vocabulary
from octavo.lab import Endless, Fit, Lab, Records, TensorData, part, plot
from octavo.lab.state import State
from octavo.learning.gradient_noise import arithmetic, figures, tables, timing
from octavo.learning.gradient_noise.memory_network import MemN2N
from octavo.learning.gradient_noise.mlp import Init, MLPDeep
from octavo.learning.gradient_noise.neural_gpu import NeuralGPU
from octavo.learning.gradient_noise.neural_programmer import NeuralProgrammer, programmer_loss
from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.scales import SCALES, Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn.ensemble import Ensemble
from octavo.nn.restarts import (
    EnsembleStep,
    Losses,
    cosine,
    course,
    cross_entropies,
    halving,
    numbered,
    restarts,
)

__all__ = ["SCALES", "Config"]

Noises = Mapping[str, NoiseSchedule | None]


@part(seeds=1, data=("MNIST5k",))
def zero_init(config: Config, lab: Lab) -> None:
    """The deep network from all zeros: bare, with noise that fades, and with noise that stays."""
    annealed = NoiseSchedule(config.deep_eta, config.gamma)
    # As far a walk over the whole run, so that only the fading differs.
    total = annealed.walk_variance(1.0, config.deep_steps)
    fixed = NoiseSchedule.fixed(total / config.deep_steps)
    deep(config, lab, "zero", "zero_init", {"none": None, "noise": annealed, "fixed": fixed})
    every = max(1, config.deep_steps // config.evaluations)
    for step in range(every, config.deep_steps + 1, every):
        predicted = annealed.walk_variance(config.deep_rate, step)
        lab.record(
            system="walk", dataset="zero_init", metric="weight_variance", value=predicted, at={"step": step}
        )


@part(seeds=1, data=("MNIST5k",))
def simple_init(config: Config, lab: Lab) -> None:
    """The deep network from N(0, 0.1^2): bare and with noise."""
    noise = NoiseSchedule(config.deep_eta, config.gamma)
    deep(config, lab, "simple", "simple_init", {"none": None, "noise": noise})


@part(seeds=1, data=("MNIST5k",))
def good_init(config: Config, lab: Lab) -> None:
    """The deep network from N(0, 2 / fan_in): bare and with noise."""
    noise = NoiseSchedule(config.deep_eta, config.gamma)
    deep(config, lab, "he", "good_init", {"none": None, "noise": noise})


def deep(config: Config, lab: Lab, init: Init, dataset: str, noises: Noises) -> None:
    """Restarts of the deep network from one initialisation, for each kind of noise."""
    found = data.load(config.digits)
    order = torch.randperm(len(found.train), generator=lab.generator("split"))
    held = len(order) // 8
    validation, training = found.train.take(order[:held]), found.train.take(order[held:])
    shown = training.take(torch.arange(min(1000, len(training))))
    images = TensorData(x=training.images.flatten(1), y=training.labels)

    def measured(ensemble: Ensemble) -> dict[str, Tensor]:
        numbers = {}
        for name, split in (("validation", validation), ("test", found.test), ("train", shown)):
            x, y = split.images.flatten(1).to(lab.device), split.labels.to(lab.device)
            logits = ensemble(x, shared=True)
            numbers[f"{name}_accuracy"] = (logits.argmax(-1) == y).double().mean(1)
            numbers[f"{name}_loss"] = cross_entropies(logits, y)
        weights = [each for name, each in ensemble.stacked.items() if name.endswith("weight")]
        hidden = torch.cat([each.flatten(1) for each in weights[1:-1]] or [weights[0].flatten(1)], 1)
        return numbers | {"weight_variance": hidden.var(1)}

    for system, noise in noises.items():
        best: tuple[float, dict[str, Any]] | None = None
        for rate, eta in trials(config, noise, dataset):
            schedule = noise if noise is None or eta is None else NoiseSchedule(eta, noise.gamma)
            ensemble = members(
                lab,
                config.deep_restarts,
                lambda: MLPDeep(784, width=config.width, depth=config.depth, init=init),
            )
            fit = train(
                lab,
                f"{system} from {dataset}, rate {rate}, eta {eta}",
                ensemble,
                lambda ensemble, batch, _: cross_entropies(ensemble(batch["x"], shared=True), batch["y"]),
                images,
                schedule,
                torch.optim.SGD,
                rate,
                measured,
                clip_norm=config.deep_clip,
                steps=config.deep_steps,
                batch_size=config.deep_batch,
                evaluate_every=max(1, config.deep_steps // config.evaluations),
            )
            names = [
                f"{split}_{metric}"
                for split in ("validation", "test", "train")
                for metric in ("accuracy", "loss")
            ]
            steps = [int(each["step"]) for each in fit.evaluations]
            courses = {}
            for name in (*names, "weight_variance"):
                courses[name] = course(fit.evaluations, name, config.deep_restarts)
            score = courses["validation_accuracy"].max(0).values.mean().item()
            variance = 0.0 if schedule is None else schedule.eta
            lab.record(
                system=system,
                dataset=dataset,
                metric="tried_accuracy",
                value=score,
                at={"rate": rate, "eta": variance},
            )
            if best is None or score > best[0]:
                best = score, {"steps": steps, "courses": courses}
        assert best is not None
        record_deep(lab, system, dataset, best[1]["steps"], best[1]["courses"])
    majority = found.train.labels.bincount().argmax()
    lab.record(
        system="constant",
        dataset=dataset,
        metric="accuracy",
        value=(found.test.labels == majority).double().mean(),
    )


def trials(config: Config, noise: NoiseSchedule | None, dataset: str) -> list[tuple[float, float | None]]:
    """Learning rates, and etas in the place of the schedule's own, that validation chooses from."""
    tried = (*config.tried, *(config.tried_when_good if dataset == "good_init" else ()))
    if noise is None:
        return [(rate, None) for rate in dict.fromkeys((config.deep_rate, *(rate for rate, _ in tried)))]
    return [(config.deep_rate, None), *tried]


def record_deep(
    lab: Lab, system: str, dataset: str, steps: Sequence[int], courses: Mapping[str, Tensor]
) -> None:
    """Each restart by its seed: at the evaluation that validation chooses, at the end, and on its way."""
    chosen = courses["validation_accuracy"].argmax(0)
    restart = torch.arange(len(chosen))
    accuracy = courses["test_accuracy"][chosen, restart]
    # A loss that is no number any more is the worst, and the ledger counts it so.
    final = {
        "accuracy": accuracy,
        "last_accuracy": courses["test_accuracy"][-1],
        "train_loss": courses["train_loss"][-1],
        "validation_loss": courses["validation_loss"][-1],
    }
    for metric, values in final.items():
        for seed, value in enumerate(values.tolist()):
            lab.record(system=system, dataset=dataset, metric=metric, value=value, seed=seed)
    lab.record(system=system, dataset=dataset, metric="best_accuracy", value=accuracy.max())
    deviation = accuracy.std(correction=len(accuracy) > 1).item()
    for seed in range(len(accuracy)):
        lab.record(system=system, dataset=dataset, metric="deviation", value=deviation, seed=seed)
    for metric, key in (("course", "test_accuracy"), ("weight_variance", "weight_variance")):
        for step, values in zip(steps, courses[key].tolist(), strict=True):
            for seed, value in enumerate(values):
                lab.record(
                    system=system,
                    dataset=dataset,
                    metric=metric,
                    value=value,
                    at={"step": step},
                    seed=seed,
                )


def members(lab: Lab, count: int, make: Callable[[], nn.Module]) -> Ensemble:
    """Restarts that begin alike for every system of this unit."""
    return restarts([lab.key("init", index) for index in range(count)], make).to(lab.device)


def train(
    lab: Lab,
    name: str,
    ensemble: Ensemble,
    losses: Losses,
    data: Any,
    noise: NoiseSchedule | None,
    optimizer: Callable[..., torch.optim.Optimizer],
    rate: float,
    evaluate: Callable[[Ensemble], Mapping[str, Tensor]] | None = None,
    clip_norm: float | None = None,
    decay: Callable[[float], float] = lambda progress: 1.0,
    **settings: Any,
) -> Fit:
    """Train all members on the same batches, and leave them in evaluation mode."""
    made = optimizer(ensemble.parameters(), lr=rate)
    parts: dict[str, Any] = {"model": ensemble, "optimizer": made}
    if noise is not None:
        generator = torch.Generator(lab.device).manual_seed(lab.key("noise"))
        parts["noise"] = GradientNoise(made, generator=generator, schedule=noise)
    step = EnsembleStep(losses, made, clip_norm=clip_norm, decay=decay)
    evaluated = None if evaluate is None else lambda state: numbered(evaluate(state.model))
    ensemble.train()
    try:
        return lab.loop(name, step, State(**parts), data, evaluate=evaluated, **settings)
    finally:
        ensemble.eval()


@part(seeds=1)
def stories(config: Config, lab: Lab) -> None:
    """A memory network without a warm start, on questions that need one, two or three facts."""
    systems: Noises = {"none": None, "noise": NoiseSchedule(config.story_eta, config.gamma)}
    totals: dict[str, list[dict[str, Tensor]]] = {system: [] for system in (*systems, "majority")}
    for task in config.story_tasks:
        options = {"train": config.story_train, "test": config.story_train // 5, "seed": lab.key("stories")}
        if config.stories != "bAbI-style":
            options = {}
        found = data.load(config.stories, task=task, **options)
        numbers = vocabulary(chain(found.train, found.test))
        everything = [*found.train, *found.test]
        memory = min(50, max(len(story.sentences) for story in everything))
        words = max(len(each) for story in everything for each in (*story.sentences, story.question))
        training, test = (encode(split, numbers, memory, words) for split in (found.train, found.test))
        common = training["answer"].mode().values
        wrong = (test["answer"] != common).double().mean()
        totals["majority"].append({"error": wrong.expand(config.story_restarts)})
        for system, noise in systems.items():
            make = partial(MemN2N, len(numbers) + 1, width=config.story_width, memory=memory, words=words)
            ensemble = members(lab, config.story_restarts, make)
            totals[system].append(
                tell(config, lab, f"{system} on stories of task {task}", ensemble, training, test, noise)
            )
            for seed, value in enumerate(totals[system][-1]["error"].tolist()):
                lab.record(system=system, dataset=f"stories_{task}", metric="error", value=value, seed=seed)
    for system, tasks in totals.items():
        for metric in tasks[0]:
            means = torch.stack([task[metric] for task in tasks]).mean(0)
            for seed, value in enumerate(means.tolist()):
                lab.record(system=system, dataset="stories", metric=metric, value=value, seed=seed)


def tell(
    config: Config,
    lab: Lab,
    name: str,
    ensemble: Ensemble,
    training: Mapping[str, Tensor],
    test: Mapping[str, Tensor],
    noise: NoiseSchedule | None,
) -> dict[str, Tensor]:
    """Train on the stories of one task, and give the last numbers of each restart."""
    steps = config.story_epochs * max(1, len(training["answer"]) // config.story_batch)

    def measured(ensemble: Ensemble) -> dict[str, Tensor]:
        numbers = {}
        for split, told in (("train", training), ("test", test)):
            logits = ensemble(told["story"].to(lab.device), told["question"].to(lab.device), shared=True)
            answers = told["answer"].to(lab.device)
            numbers[f"{split}_loss"] = cross_entropies(logits, answers)
            numbers[f"{split}_error"] = (logits.argmax(-1) != answers).double().mean(1)
        return numbers

    fit = train(
        lab,
        name,
        ensemble,
        # The original's loss is a sum over the batch.
        lambda ensemble, batch, _: (
            config.story_batch
            * cross_entropies(ensemble(batch["story"], batch["question"], shared=True), batch["answer"])
        ),
        TensorData(**training),
        noise,
        torch.optim.SGD,
        config.story_rate,
        measured,
        clip_norm=40.0,
        decay=halving,
        steps=steps,
        batch_size=config.story_batch,
    )
    last = {
        name: course(fit.evaluations, name, config.story_restarts)[-1]
        for name in ("test_error", "train_loss", "test_loss")
    }
    return {"error": last["test_error"], "train_loss": last["train_loss"], "test_loss": last["test_loss"]}


QUESTION = ("question", "numbers", "places", "table", "row_mask")


@part(seeds=1)
def programs(config: Config, lab: Lab) -> None:
    """A Neural Programmer on questions about tables; its most likely program must give the answer."""
    test = ask(config, 1000, lab.generator("test"))
    validation = ask(config, 1000, lab.generator("validation"))
    columns = tuple(tables.VOCABULARY[name] for name in tables.COLUMNS)

    def wrong(ensemble: Ensemble, batch: Mapping[str, Tensor]) -> Tensor:
        batch = {name: each.to(lab.device) for name, each in batch.items()}
        answer = ensemble(*(batch[name] for name in QUESTION), shared=True, hard=True)
        right_number = (answer.scalar - batch["scalar"]).abs() < 1e-2
        right_cells = ((answer.lookup > 0.5) == (batch["lookup"] > 0.5)).flatten(2).all(2)
        return (~torch.where(batch["is_lookup"], right_cells, right_number)).double().mean(1)

    def losses(ensemble: Ensemble, batch: Mapping[str, Tensor], _: Any) -> Tensor:
        answers = ensemble(*(batch[name] for name in QUESTION), shared=True)
        wanted = [batch[name] for name in ("scalar", "lookup", "is_lookup", "row_mask")]
        losses: Tensor = torch.func.vmap(lambda answer: programmer_loss(answer, *wanted).mean())(answers)
        return losses

    for system, noise in (("none", None), ("noise", NoiseSchedule(config.table_eta, config.gamma))):
        ensemble = members(
            lab,
            config.table_restarts,
            lambda: NeuralProgrammer(
                len(tables.VOCABULARY), columns, steps=config.table_program, width=config.table_width
            ),
        )
        fit = train(
            lab,
            f"{system} on tables",
            ensemble,
            losses,
            Endless(lambda generator, size: ask(config, size, generator)),
            noise,
            torch.optim.Adam,
            config.table_rate,
            lambda ensemble: {"test": wrong(ensemble, test), "validation": wrong(ensemble, validation)},
            clip_norm=1.0,
            steps=config.table_steps,
            batch_size=config.table_batch,
            evaluate_every=max(1, config.table_steps // 20),
        )
        steps = [int(each["step"]) for each in fit.evaluations]
        errors, chances = (
            course(fit.evaluations, name, config.table_restarts) for name in ("test", "validation")
        )
        chosen = chances.argmin(0)
        for seed, evaluation in enumerate(chosen.tolist()):
            lab.record(
                system=system, dataset="tables", metric="error", value=errors[evaluation, seed], seed=seed
            )
            for step, values in zip(steps, errors, strict=True):
                lab.record(
                    system=system,
                    dataset="tables",
                    metric="course_error",
                    value=values[seed],
                    at={"step": step},
                    seed=seed,
                )
    zero = (test["scalar"].abs() >= 1e-2) | (test["is_lookup"] & (test["lookup"].sum((1, 2)) > 0))
    lab.record(system="zero", dataset="tables", metric="error", value=zero.double().mean())


def ask(config: Config, count: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Questions of the kinds that the config names."""
    return tables.questions(count, generator, templates=config.table_templates, rows=config.table_rows)


@part(seeds=1)
def sums(config: Config, lab: Lab) -> None:
    """Restarts of a Neural GPU on binary arithmetic: how many are accurate in the end."""
    inputs, outputs = arithmetic.problems(config.sum_task, config.sum_bits, 500, lab.generator("test"))
    inputs, outputs = inputs.to(lab.device), outputs.to(lab.device)

    def losses(ensemble: Ensemble, _: None, context: Any) -> Tensor:
        random = context.generator("problems")
        bits = curriculum(config.sum_bits, context.progress, random)
        x, y = arithmetic.problems(config.sum_task, bits, config.sum_batch, random)
        logits = ensemble(x.to(lab.device), shared=True)
        return cross_entropies(logits.flatten(1, 2), y.to(lab.device).flatten())

    @torch.no_grad()
    def right_bits(ensemble: Ensemble) -> Tensor:
        digits = outputs != arithmetic.PAD
        found = ensemble(inputs, shared=True).argmax(-1) == outputs
        return (found & digits).flatten(1).double().sum(1) / digits.sum()

    accurate: dict[str, Tensor] = {}
    for system, noise in (
        ("untrained", None),
        ("none", None),
        ("noise", NoiseSchedule(config.sum_eta, config.gamma)),
    ):
        ensemble = members(
            lab,
            config.sum_restarts,
            lambda: NeuralGPU(arithmetic.SYMBOLS, maps=config.sum_maps, layers=config.sum_layers),
        )
        if system != "untrained":
            train(
                lab,
                f"{system} on {config.sum_task}",
                ensemble,
                losses,
                None,
                noise,
                torch.optim.Adam,
                config.sum_rate,
                clip_norm=1.0,
                decay=cosine,
                steps=config.sum_steps,
                batch_size=1,
            )
        share = right_bits(ensemble).cpu()
        accurate[system] = share > 0.99
        lab.record(
            system=system,
            dataset=config.sum_task,
            metric="success",
            value=accurate[system].double().mean(),
            items=accurate[system].double(),
        )
        lab.record(
            system=system, dataset=config.sum_task, metric="bit_accuracy", value=share.mean(), items=share
        )
    counts = [[int(accurate[name].sum()), int((~accurate[name]).sum())] for name in ("noise", "none")]
    p = fisher_exact(counts, alternative="greater").pvalue
    lab.record(system="noise", dataset=config.sum_task, metric="fisher_p", value=p)


def curriculum(most: int, progress: float, random: torch.Generator) -> int:
    """Bits of a step's problems: the most that are allowed by now, and every other time fewer."""
    allowed = min(most, 1 + int(progress * most / 0.6))
    if torch.rand((), generator=random) < 0.5:
        return allowed
    return 1 + int(torch.randint(allowed, (), generator=random))


@part(seeds=1, timed=True)
def deep_step(config: Config, lab: Lab) -> None:
    """Seconds of a training step of the deep network, bare and with noise."""
    x = torch.rand(config.deep_batch, 784, generator=lab.generator("x")).to(lab.device)
    y = torch.randint(10, (config.deep_batch,), generator=lab.generator("y")).to(lab.device)

    def make() -> nn.Module:
        return MLPDeep(784, width=config.width, depth=config.depth, init="he").to(lab.device)

    steps = timing.steps(make, lambda model: functional.cross_entropy(model(x), y), torch.optim.SGD, 50)
    record_seconds(lab, "deep_net", lab.time(steps, repeats=config.timed_repeats), 50)


@part(seeds=1, timed=True, data=("smollm2",))
def language_model_step(config: Config, lab: Lab) -> None:
    """Seconds of a step of fine-tuning a language model, bare and with noise."""
    model = timing.tiny_language_model() if config.small_language_model else data.load("smollm2").model
    model.to(lab.device).train()
    tokens = torch.randint(
        model.config.vocab_size, (1, config.timed_tokens), generator=lab.generator("tokens")
    )
    tokens = tokens.to(lab.device)
    steps = timing.steps(
        lambda: model, lambda model: model(input_ids=tokens, labels=tokens).loss, torch.optim.AdamW, 1
    )
    timings = lab.time(steps, repeats=max(2, config.timed_repeats // 2 + 1), warmup=1)
    record_seconds(lab, "smollm2", timings, 1)


def record_seconds(lab: Lab, dataset: str, timings: Any, inner: int) -> None:
    """The median second a step of each system, with its repetitions."""
    for system, seconds in timings.seconds.items():
        lab.record(
            system=system,
            dataset=dataset,
            metric="seconds",
            value=timings.median(system) / inner,
            unit="s",
            items=[each / inner for each in seconds],
        )


@plot
def take_off(records: Records) -> Any:
    """What noise alone would make of the weights, and when the network takes off: why it works."""
    return figures.take_off(records.where(dataset="zero_init"))


@plot
def deep_network(records: Records) -> Any:
    """Accuracy against steps, a line a restart, from the three initialisations."""
    return figures.courses(records)


@plot
def hard_models(records: Records) -> Any:
    """Errors with and without noise of the memory network, the Neural Programmer and the Neural GPU."""
    return figures.hard_models(records)
