"""Something small to try: `octavo demo coreinfer`."""

from typing import Any

import torch

from octavo.language.coreinfer.system import Coreinfer


def demo(length: int = 8, seed: int = 0) -> dict[str, Any]:
    """Runs the system on a short random sequence; to be replaced by something one wants to look at.

    Args:
        length: how many steps.
        seed: of the random sequence.

    Returns:
        Plain values to show; a matplotlib figure may stand under ``"figure"``.
    """
    x = torch.randn(1, length, 4, generator=torch.Generator().manual_seed(seed))
    return {"input": x[0, :, 0].tolist(), "output": Coreinfer(4)(x)[0, :, 0].tolist()}
