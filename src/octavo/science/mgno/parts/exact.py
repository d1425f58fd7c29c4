"""What holds without any training: linearity, and how fast a cycle with textbook weights contracts."""

import torch
from torch import nn

from octavo.lab import Lab, part
from octavo.science.mgno import identities
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.scales import Config


@part
def linearity(config: Config, lab: Lab) -> None:
    """Departure from linearity and from the sum of blocks, over kinds of V-cycles; a layer norm breaks it."""
    worst = {"linearity": 0.0, "blocks": 0.0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init") % 2**63)
        for W, one, other in identities.instances(lab.generator("fields")):
            worst["linearity"] = max(worst["linearity"], identities.departure_from_linearity(W, one, other))
            worst["blocks"] = max(worst["blocks"], identities.departure_from_blocks(W, one))
        normed = MultigridConv(2, 3, levels=2, norm=(12, 12)).double()
    fields = torch.randn(2, 1, 2, 12, 12, generator=lab.generator("normed"), dtype=torch.float64)
    for dataset, value in worst.items():
        lab.record(system="multigrid", dataset=dataset, metric="max_error", value=value)
    control = {
        "linearity": identities.departure_from_linearity(normed, *fields),
        "blocks": identities.departure_from_blocks(normed, fields[0]),
    }
    for dataset, value in control.items():
        lab.record(system="layer_norm", dataset=dataset, metric="max_error", value=value)


@part(seeds=1)
def solver(config: Config, lab: Lab) -> None:
    """How fast a V-cycle with textbook weights contracts, grid by grid, beside sweeps on one grid."""
    for points in config.solver_points:
        at = {"points": points}
        levels = (points + 1).bit_length() - 2
        candidates: dict[str, nn.Module] = {
            "v_cycle": MultigridConv.classical(levels=levels),
            "few_coarse_sweeps": MultigridConv.classical(levels=levels, coarse_smoothing=2),
            "jacobi": identities.Jacobi(),
        }
        for system, W in candidates.items():
            cycles = config.solver_cycles if system == "v_cycle" else 8
            worst, left = identities.contraction(W, points, lab.generator("source", points), cycles)
            lab.record(system=system, dataset="poisson", metric="contraction", value=worst, at=at)
            lab.record(system=system, dataset="poisson", metric="residual", value=left, at=at)
