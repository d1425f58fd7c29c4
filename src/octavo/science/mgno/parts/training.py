"""How every system of the experiment is trained on a task, and tested."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from octavo.lab import Evaluation, Lab, TensorData
from octavo.science.mgno import pde, systems
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Errors, Scaled, Task, one_cycle


def train(
    config: Config,
    lab: Lab,
    name: str,
    task: Task,
    make: Callable[[], nn.Module],
    *,
    epochs: int | float,
    rate: float,
    errors: Errors = pde.relative_l2,
    batch_size: int | None = None,
    evaluate: Callable[[Any], Mapping[str, Any]] | None = None,
) -> tuple[Scaled, list[dict[str, Any]], list[float]]:
    """A system trained on a task: the model, its evaluations once an epoch, the loss of each step.

    All systems that share a name of the task see the same batches in the same order.
    """
    model = task.scaled(systems.seeded(lab.key("init"), make))
    pairs = TensorData(a=task.train[0], u=task.train[1])
    size = batch_size or config.batch_size
    fit = lab.fit(
        name,
        model,
        lambda model, batch, _: errors(model(batch["a"]), batch["u"]).mean(),
        pairs,
        epochs=epochs,
        batch_size=size,
        learning_rate=rate,
        weight_decay=config.weight_decay,
        schedule=one_cycle,
        evaluate=evaluate,
        evaluate_every=-(-len(pairs) // size) if evaluate else None,
    )
    return model, fit.evaluations, fit.history["loss"]


def test_errors(model: nn.Module, pairs: tuple[Tensor, Tensor], **measures: Errors) -> dict[str, Tensor]:
    """For each named error a value a pair."""
    measures = measures or {"l2_error": pde.relative_l2, "h1_error": pde.relative_h1}
    return Evaluation(
        TensorData(a=pairs[0], u=pairs[1]),
        lambda model, batch: {name: error(model(batch["a"]), batch["u"]) for name, error in measures.items()},
        batch_size=32,
    ).items(model)
