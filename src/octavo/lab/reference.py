"""Reference weights: small trained models that come with a paper, each made by one function of a lab."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

WeightsFunction = Callable[[Any], Any]


@dataclass(frozen=True)
class Weights:
    """How a model that comes with a paper is trained.

    Args:
        name: of the folder that it is saved in.
        function: `function(lab)` trains it, records what it measured, and returns it.
        summary: the first line of the function's docstring.
    """

    name: str
    function: WeightsFunction
    summary: str = ""

    def __call__(self, lab: Any) -> Any:
        """Train."""
        return self.function(lab)


def weights(function: WeightsFunction) -> Weights:
    """Declare how reference weights are trained; `octavo train-weights PAPER` does it, and saves them.

    The function gets a `Lab`, through which everything random comes, and returns a model that has
    `save_pretrained`. What it records goes into the provenance of the weights.

    Example:
        >>> @weights
        ... def reader(lab):
        ...     "Reads rendered words."
        >>> reader.name, reader.summary
        ('reader', 'Reads rendered words.')
    """
    return Weights(function.__name__, function, (inspect.getdoc(function) or "").partition("\n")[0])


def weights_of(module: ModuleType) -> tuple[Weights, ...]:
    """The reference weights that an experiment declares, in order of definition."""
    return tuple(dict.fromkeys(value for value in vars(module).values() if isinstance(value, Weights)))
