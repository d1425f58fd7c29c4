"""One process of two: noise on replicas and on shards; the first process prints what both found, as JSON.

RANK=0 WORLD_SIZE=2 MASTER_ADDR=... MASTER_PORT=... python ranks.py
"""

import json
import os
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard

from octavo.learning.gradient_noise.noise import GradientNoise

SIZE = 4000


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def replicas(rank: int, eta: float) -> list[float]:
    """The weights after three steps of data-parallel training, each rank on data of its own."""
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    GradientNoise(optimizer, eta, generator=seeded(5), check_ranks=True)
    for step in range(3):
        optimizer.zero_grad()
        model(torch.randn(4, 3, generator=seeded(10 * rank + step))).square().sum().backward()
        optimizer.step()
    return torch.cat([param.detach().flatten() for param in model.parameters()]).tolist()


def disagreement(rank: int) -> str:
    """What is said where ranks have different seeds."""
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    GradientNoise(optimizer, generator=seeded(rank), check_ranks=True)
    layer(torch.ones(1, 2)).sum().backward()
    try:
        optimizer.step()
    except RuntimeError as error:
        return str(error)
    return ""


def shards(rank: int) -> dict[str, Any]:
    """The noise that a rank adds to its shard of a weight without a gradient."""
    layer = fully_shard(nn.Linear(SIZE, 2, bias=False), mesh=dist.device_mesh.init_device_mesh("cpu", (2,)))
    nn.init.zeros_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    GradientNoise(optimizer, eta=0.25, generator=seeded(rank))
    layer.weight.grad = torch.zeros_like(layer.weight)
    optimizer.step()
    own = layer.weight.detach().to_local()
    return {"shape": list(own.shape), "std": own.std().item(), "first": own.flatten()[:3].tolist()}


def main() -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    found = {
        "bare": replicas(rank, 0.0),
        "noisy": replicas(rank, 0.3),
        "disagreement": disagreement(rank),
        "shard": shards(rank),
    }
    gathered: list[Any] = [None, None]
    dist.all_gather_object(gathered, found)
    if rank == 0:
        print(json.dumps(gathered), flush=True)
    dist.barrier()
    # The threads of gloo now and then end a process that clears them away, so it is left as it is.
    os._exit(0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
