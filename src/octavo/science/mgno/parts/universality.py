"""How near one hidden layer comes to a nonlinear operator, by its width."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from octavo.lab import Lab, TensorData, part
from octavo.lab.state import State
from octavo.nn import Ensemble, EnsembleStep, restarts
from octavo.science.mgno import pde
from octavo.science.mgno.baselines import real_parameters
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.neural_operator import MgNO
from octavo.science.mgno.scales import Config
from octavo.science.mgno.tasks import Task, one_cycle

BATCH = 25


@part
def universality(config: Config, lab: Lab) -> None:
    """Test error of one hidden layer against its width, on a nonlinear equation; and of a linear operator.

    Of several starts the one with the least training error counts: the theorem says what exists, not what
    one training finds.
    """
    f, u = pde.semilinear(config.line_pairs * 6 // 5, config.line_points, seed=lab.key("pairs") % 2**32)
    n = config.line_pairs
    task = Task("semilinear", (f[:n], u[:n]), (f[n:], u[n:]), "dirichlet")
    levels = 5 if config.line_points >= 48 else 3

    def one_layer(width: int) -> Callable[[], nn.Module]:
        return lambda: MgNO(1, 1, width=width, depth=1, levels=levels, dim=1)

    def linear() -> nn.Module:
        return nn.Sequential(MultigridConv(1, 8, levels=levels, dim=1), nn.Conv1d(8, 1, 1, bias=False))

    candidates = [("mgno", {"width": w}, one_layer(w), config.line_starts) for w in config.neurons]
    for system, at, make, starts in [*candidates, ("linear", None, linear, 1)]:
        label = f"{system} {at['width']}" if at else system
        seen, found = from_many_starts(config, lab, f"{label} on semilinear", task, make, starts)
        best = found[seen.argmin()]
        lab.record(system=system, dataset=task.name, metric="l2_error", value=best.mean(), at=at, items=best)
        lab.record(
            system=system, dataset=task.name, metric="parameters", value=real_parameters(make()), at=at
        )
        for start, error in enumerate(found.mean(1).tolist()):
            place = {**(at or {}), "start": start}
            lab.record(system=system, dataset=task.name, metric="l2_error_of_a_start", value=error, at=place)


def from_many_starts(
    config: Config, lab: Lab, name: str, task: Task, make: Callable[[], nn.Module], starts: int
) -> tuple[Tensor, Tensor]:
    """Train a model from several initialisations at once.

    Returns:
        The training error of each start, and its test error on each pair.
    """

    def scaled() -> nn.Module:
        return task.scaled(make())

    ensemble = restarts([lab.key("init", start) for start in range(starts)], scaled).to(lab.device)
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
        steps=config.line_epochs * -(-len(task.train[0]) // BATCH),
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
