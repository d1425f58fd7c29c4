"""Building blocks that two or more papers share."""

from octavo.nn.ensemble import Ensemble, clip_each_copy_
from octavo.nn.minimise import minimise
from octavo.nn.restarts import EnsembleStep, course, numbered, restarts

__all__ = ["Ensemble", "EnsembleStep", "clip_each_copy_", "course", "minimise", "numbered", "restarts"]
