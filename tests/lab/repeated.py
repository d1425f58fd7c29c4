"""The three trainings of `shapes`, where a device must repeat itself: again, and interrupted.

    python repeated.py DEVICE FOLDER

prints a JSON object: for each shape, what was equal bit for bit. It is a process of its own, since CUDA reads
how it must behave once, when it starts.
"""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from octavo.lab.checkpoint import Checkpoints
from octavo.lab.determinism import deterministic, levels

sys.path.insert(0, str(Path(__file__).parent))
import shapes


class Interrupted(Exception):
    """Stands for whatever ends a training in its middle."""


def interrupt(now: int) -> None:
    if now == 22:
        raise Interrupted


def interrupted(run: Callable[[], object]) -> bool:
    """Whether it was."""
    try:
        run()
    except Interrupted:
        return True
    return False


def main(device: str, folder: Path) -> None:
    torch.set_num_threads(1)
    outcome: dict[str, dict[str, bool] | str] = {}
    with deterministic():
        outcome["levels"] = levels(device)
        for name, shape in shapes.SHAPES.items():
            undisturbed = shape(None, device=device)
            drawn = torch.rand(3, device=device)
            place = folder / name
            broken = interrupted(functools.partial(shape, place, interrupt, device))
            saved = Checkpoints(place).load()
            # Whatever was drawn in between must not matter.
            torch.manual_seed(999)
            torch.rand(5, device=device)
            resumed = shape(place, device=device)
            read_back = shape(place, device=device)
            outcome[name] = {
                "was interrupted": broken and saved is not None and saved["step"] == 21,
                "ends as undisturbed": shapes.same(resumed, undisturbed),
                "is read back": shapes.same(read_back, undisturbed),
                # A training that is only read draws nothing, so one that trains leaves all as it was.
                "leaves what is drawn next": torch.equal(drawn, torch.rand(3, device=device)),
                "is repeated": shapes.same(shape(None, device=device), undisturbed),
                "was on the device": all(
                    each.device.type == torch.device(device).type for each in undisturbed[1].values()
                ),
            }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
