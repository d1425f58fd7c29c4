"""How near one hidden layer comes to a nonlinear operator, by its width."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from octavo.lab import Lab, TensorData, part
from octavo.lab.state import State
from octavo.nn import Ensemble, EnsembleStep
from octavo.science.mgno import pde, systems
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.neural_operator import MgNO
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Task, one_cycle, widened

BATCH = 25


@part(seeds=5)
def universality(config: Config, lab: Lab) -> None:
    """Test error of one hidden layer against its width, on a nonlinear equation; and of a linear operator.

    Of several starts the one with the least training error counts: the theorem says what exists, not what
    one training finds.
    """
    f, u = pde.semilinear(config.line_pairs * 6 // 5, config.line_points, seed=lab.key("pairs") % 2**32)
    n = config.line_pairs
    task = Task("semilinear", (f[:n], u[:n]), (f[n:], u[n:]), "dirichlet")
    levels = 5 if config.line_points >= 48 else 4 if config.line_points >= 24 else 3

    def one_layer(width: int) -> nn.Module:
        return MgNO(1, 1, width=width, depth=1, levels=levels, dim=1)

    def linear() -> nn.Module:
        return nn.Sequential(MultigridConv(1, 8, levels=levels, dim=1), nn.Conv1d(8, 1, 1, bias=False))

    starts = range(config.line_starts)
    keys = [lab.key("init", start) for start in starts]
    narrow = [seeded_of(key, one_layer, width) for width in config.neurons for key in keys]
    # In a net as wide as the widest, neurons without weights stay without: all widths are trained at once.
    models = [widened(model, one_layer(max(config.neurons))) for model in narrow]
    seen, found = train_at_once(config, lab, "one hidden layer on semilinear", task, models)
    for index, width in enumerate(config.neurons):
        mine = slice(index * len(keys), (index + 1) * len(keys))
        record(lab, "mgno", {"width": width}, one_layer(width), seen[mine], found[mine])
    seen, found = train_at_once(
        config, lab, "linear on semilinear", task, [systems.seeded(keys[0], linear)], share=0.25
    )
    record(lab, "linear", None, linear(), seen, found)


def seeded_of(key: int, make: Callable[[int], nn.Module], width: int) -> nn.Module:
    """A model of this width whose weights depend on the key alone."""
    return systems.seeded(key, lambda: make(width))


def record(
    lab: Lab, system: str, at: dict[str, int | float] | None, model: nn.Module, seen: Tensor, found: Tensor
) -> None:
    """Record the start with the least training error, and the error of each."""
    best = found[seen.argmin()]
    dataset = "semilinear"
    lab.record(system=system, dataset=dataset, metric="l2_error", value=best.mean(), at=at, items=best)
    lab.record(system=system, dataset=dataset, metric="parameters", value=real_parameters(model), at=at)
    for start, error in enumerate(found.mean(1).tolist()):
        place = {**(at or {}), "start": start}
        lab.record(system=system, dataset=dataset, metric="l2_error_of_a_start", value=error, at=place)


def train_at_once(
    config: Config, lab: Lab, name: str, task: Task, models: Sequence[nn.Module], share: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Train models of one architecture at once, each as if it were alone.

    Args:
        config: of the experiment.
        lab: of the unit.
        name: for the person who watches.
        task: what is learnt.
        models: each with its own weights.
        share: of the config's epochs; a linear operator needs fewer.

    Returns:
        The training error of each model, and its test error on each pair.
    """
    ensemble = Ensemble([task.scaled(model) for model in models]).to(lab.device)
    optimizer = torch.optim.AdamW(
        ensemble.parameters(), lr=config.line_rate, weight_decay=config.weight_decay
    )
    lab.loop(
        name,
        EnsembleStep(
            lambda ensemble, batch, _: errors_of_each(ensemble, batch["a"], batch["u"]).mean(1),
            optimizer,
            decay=one_cycle,
        ),
        State(model=ensemble, optimizer=optimizer),
        TensorData(a=task.train[0], u=task.train[1]),
        steps=max(1, int(share * config.line_epochs)) * -(-len(task.train[0]) // BATCH),
        batch_size=BATCH,
    )
    with torch.no_grad():
        seen, found = (
            errors_of_each(ensemble, a.to(lab.device), u.to(lab.device)).cpu()
            for a, u in (task.train, task.test)
        )
    return seen.mean(1), found


def errors_of_each(ensemble: Ensemble, a: Tensor, u: Tensor) -> Tensor:
    """The relative error of each member on each pair."""
    predicted = ensemble(a, shared=True)
    found = pde.relative_l2(predicted.flatten(0, 1), u.repeat(len(predicted), 1, 1))
    return found.unflatten(0, predicted.shape[:2])
