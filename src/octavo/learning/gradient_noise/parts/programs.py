"""A Neural Programmer on questions about tables."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from octavo.lab import Endless, Lab, part
from octavo.learning.gradient_noise import tables
from octavo.learning.gradient_noise.neural_programmer import NeuralProgrammer, programmer_loss
from octavo.learning.gradient_noise.parts.training import members, train
from octavo.learning.gradient_noise.scales import Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule
from octavo.nn import Ensemble, course

QUESTION = ("question", "numbers", "places", "table", "row_mask", "texts")
Asks = Callable[[int, torch.Generator], dict[str, Tensor]]


@part(seeds=1)
def programs(config: Config, lab: Lab) -> None:
    """A Neural Programmer on questions about tables; its most likely program must give the answer."""

    def ask(count: int, generator: torch.Generator) -> dict[str, Tensor]:
        return tables.questions(count, generator, templates=config.table_templates, rows=config.table_rows)

    answer_questions(config, lab, "tables", ask, config.table_restarts, config.table_steps)


@part(seeds=1)
def text_programs(config: Config, lab: Lab) -> None:
    """The same where two more columns hold words, and questions ask for the rows with a word."""

    def ask(count: int, generator: torch.Generator) -> dict[str, Tensor]:
        columns = len(tables.TEXT_COLUMNS)
        return tables.questions(
            count,
            generator,
            templates=config.text_templates,
            rows=config.table_rows,
            text_columns=columns,
        )

    answer_questions(
        config, lab, "text_tables", ask, config.text_restarts, config.text_steps, tables.TEXT_COLUMNS
    )


def answer_questions(
    config: Config,
    lab: Lab,
    dataset: str,
    ask: Asks,
    restarts: int,
    steps: int,
    text_columns: Sequence[str] = (),
) -> None:
    """Restarts on questions, with noise and without, judged at the evaluation that validation chooses."""
    test = ask(1000, lab.generator("test"))
    validation = ask(1000, lab.generator("validation"))
    names, texts = (
        tuple(tables.VOCABULARY[name] for name in group) for group in (tables.COLUMNS, text_columns)
    )
    make = partial(
        NeuralProgrammer,
        len(tables.VOCABULARY),
        names,
        text_columns=texts,
        steps=config.table_program,
        width=config.table_width,
    )
    for system, noise in (("none", None), ("noise", NoiseSchedule(config.table_eta, config.gamma))):
        ensemble = members(lab, restarts, make)
        fit = train(
            lab,
            f"{system} on {dataset}",
            ensemble,
            losses,
            Endless(lambda generator, size: ask(size, generator)),
            noise,
            torch.optim.Adam,
            config.table_rate,
            lambda ensemble: {
                "test": wrong(lab, ensemble, test),
                "validation": wrong(lab, ensemble, validation),
            },
            clip_norm=1.0,
            steps=steps,
            batch_size=config.table_batch,
            evaluate_every=max(1, steps // 20),
        )
        record = partial(lab.record, system=system, dataset=dataset)
        errors, chances = (course(fit.evaluations, name, restarts) for name in ("test", "validation"))
        for seed, evaluation in enumerate(chances.argmin(0).tolist()):
            record(metric="error", value=errors[evaluation, seed], seed=seed)
        for evaluation, values in zip(fit.evaluations[::-2], errors.flip(0)[::2], strict=True):
            record(metric="course_error", value=values.mean(), at={"step": int(evaluation["step"])})
    zero = (test["scalar"].abs() >= 1e-2) | (test["is_lookup"] & (test["lookup"].sum((1, 2)) > 0))
    lab.record(system="zero", dataset=dataset, metric="error", value=zero.double().mean())


def losses(ensemble: Ensemble, batch: Mapping[str, Tensor], _: Any) -> Tensor:
    """The loss of each restart."""
    answers = ensemble(*(batch[name] for name in QUESTION if name in batch), shared=True)
    wanted = [batch[name] for name in ("scalar", "lookup", "is_lookup", "row_mask")]
    each: Tensor = torch.func.vmap(lambda answer: programmer_loss(answer, *wanted).mean())(answers)
    return each


def wrong(lab: Lab, ensemble: Ensemble, batch: Mapping[str, Tensor]) -> Tensor:
    """The share of questions that each restart's most likely program answers wrongly."""
    batch = {name: each.to(lab.device) for name, each in batch.items()}
    answer = ensemble(*(batch[name] for name in QUESTION if name in batch), shared=True, hard=True)
    right_number = (answer.scalar - batch["scalar"]).abs() < 1e-2
    right_cells = ((answer.lookup > 0.5) == (batch["lookup"] > 0.5)).flatten(2).all(2)
    return (~torch.where(batch["is_lookup"], right_cells, right_number)).double().mean(1)
