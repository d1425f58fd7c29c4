"""What an experiment stands on: randomness, the training loop, records, figures, timing.

Importing this module imports neither torch nor numpy: each name is found when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octavo.lab.batches import Endless as Endless
    from octavo.lab.batches import Examples as Examples
    from octavo.lab.batches import TensorData as TensorData
    from octavo.lab.drawn import Drawn as Drawn
    from octavo.lab.evaluation import Evaluation as Evaluation
    from octavo.lab.figures import colours as colours
    from octavo.lab.figures import house_style as house_style
    from octavo.lab.fit import Diverged as Diverged
    from octavo.lab.fit import EarlyStop as EarlyStop
    from octavo.lab.fit import Fit as Fit
    from octavo.lab.folder import Run as Run
    from octavo.lab.folder import UnitLine as UnitLine
    from octavo.lab.keys import key as key
    from octavo.lab.lab import Lab as Lab
    from octavo.lab.loop import Loop as Loop
    from octavo.lab.parts import Part as Part
    from octavo.lab.parts import Plot as Plot
    from octavo.lab.parts import part as part
    from octavo.lab.parts import parts_of as parts_of
    from octavo.lab.parts import plot as plot
    from octavo.lab.parts import plots_of as plots_of
    from octavo.lab.randomness import generator as generator
    from octavo.lab.records import Record as Record
    from octavo.lab.records import Records as Records
    from octavo.lab.reference import Weights as Weights
    from octavo.lab.reference import weights as weights
    from octavo.lab.reference import weights_of as weights_of
    from octavo.lab.timing import Timings as Timings
    from octavo.lab.timing import time_side_by_side as time_side_by_side

# The function `fit` keeps the name of its module (octavo.lab.fit.fit): experiments call it as `lab.fit`.
_HOMES = {
    "Diverged": "fit",
    "Drawn": "drawn",
    "EarlyStop": "fit",
    "Endless": "batches",
    "Evaluation": "evaluation",
    "Examples": "batches",
    "Fit": "fit",
    "Lab": "lab",
    "Loop": "loop",
    "Part": "parts",
    "Plot": "parts",
    "Record": "records",
    "Records": "records",
    "Run": "folder",
    "TensorData": "batches",
    "Timings": "timing",
    "UnitLine": "folder",
    "colours": "figures",
    "generator": "randomness",
    "house_style": "figures",
    "key": "keys",
    "part": "parts",
    "parts_of": "parts",
    "plot": "parts",
    "plots_of": "parts",
    "time_side_by_side": "timing",
    "Weights": "reference",
    "weights": "reference",
    "weights_of": "reference",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
