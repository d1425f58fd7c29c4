"""Modules that papers of several shelves are built from."""

from octavo.nn.ensemble import Ensemble, clip_each_copy_
from octavo.nn.restarts import EnsembleStep, course, numbered, restarts

__all__ = ["Ensemble", "EnsembleStep", "clip_each_copy_", "course", "numbered", "restarts"]
