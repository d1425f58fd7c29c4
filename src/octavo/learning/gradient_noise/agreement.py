"""A check that all processes of a data-parallel training draw the same noise."""

import hashlib

import torch
import torch.distributed as dist


def check_agreement(generator: torch.Generator, step: int) -> None:
    """Compare the states of the generators of all ranks.

    Without a process group there is nothing to compare.

    Args:
        generator: of this rank.
        step: for the message.

    Raises:
        RuntimeError: two ranks would draw different noise, so that their models drift apart.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return
    digest = hashlib.sha256(generator.get_state().cpu().numpy().tobytes()).hexdigest()
    digests: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(digests, digest)
    odd = [rank for rank, other in enumerate(digests) if other != digests[0]]
    if odd:
        raise RuntimeError(
            f"step {step}: the noise of rank {', '.join(map(str, odd))} is not that of rank 0; "
            "give every rank a generator with the same seed"
        )
