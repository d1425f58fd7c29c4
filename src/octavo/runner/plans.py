"""What there is to do: a paper, a scale, flags and seeds become units of work."""

import importlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from octavo import catalogue
from octavo.errors import OctavoError
from octavo.lab.bounds import out_of_bounds
from octavo.lab.folder import Run, config_hash, runs_root
from octavo.lab.parts import Part, Plot, parts_of, plots_of

ON_A_GPU = ("gpu", "paper")
"""Scales that take a GPU where there is one; the others stay on the CPU and give the same anywhere."""


@dataclass(frozen=True)
class Unit:
    """One unit of work, as it is sent to whoever does it.

    Args:
        module: where the part is defined.
        hash: of the config.
        code: the hash of the paper's code.
        timed: it must be alone on the machine.
    """

    paper: str
    part: str
    config: Any
    seed: int
    scale: str
    module: str
    device: str = "cpu"
    hash: str = ""
    code: str = ""
    timed: bool = False

    @property
    def label(self) -> str:
        """How a person reads it."""
        return f"{self.part}, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """All units of a run, and where its records go.

    Args:
        config: the resolved config.
        parts: those to run, in order of definition.
        whole: nothing but the paper and the scale was asked for, so that `lookup` can answer for it.
        fresh: put the records that are there aside, and measure anew.
    """

    paper: catalogue.Paper
    scale: str
    config: Any
    parts: tuple[Part, ...]
    plots: tuple[Plot, ...]
    units: tuple[Unit, ...]
    folder: Path
    device: str = "cpu"
    whole: bool = False
    fresh: bool = False

    @property
    def hash(self) -> str:
        """The config's hash, which names the folder."""
        return config_hash(self.config)

    @property
    def code(self) -> str:
        """The hash of the paper's code as it is now."""
        return self.units[0].code

    @cached_property
    def all_parts(self) -> tuple[str, ...]:
        """The names of the parts to run."""
        return tuple(part.name for part in self.parts)

    def create(self) -> Run:
        """Open the run's folder, making it where there is none."""
        return Run.create(
            self.paper.slug,
            self.scale,
            self.config,
            parts=self.all_parts,
            once=tuple(part.name for part in self.parts if part.seeds == 1),
            root=self.folder.parents[1],
        )


def experiment(paper: str | catalogue.Paper) -> Any:
    """The experiment's module.

    Raises:
        OctavoError: there is no such paper, it has no experiment yet, or that cannot be imported.
    """
    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    if not card.runs:
        raise OctavoError(f"{card.slug} does not run yet: {card.module} has no experiment.py.")
    try:
        return importlib.import_module(f"{card.module}.experiment")
    except ImportError as error:
        raise OctavoError(
            f"{card.slug}'s experiment cannot be imported: {error}. Install what it needs, or correct it."
        ) from error


def scales(paper: str | catalogue.Paper) -> Mapping[str, Any]:
    """The config of each scale.

    Raises:
        OctavoError: the experiment has no `SCALES`, or one is not a dataclass with a number of seeds.
    """
    module = experiment(paper)
    found = getattr(module, "SCALES", None)
    if not isinstance(found, Mapping) or not found:
        raise OctavoError(f'{module.__name__} has no SCALES. It needs a dict such as {{"laptop": Config()}}.')
    for name, config in found.items():
        if not is_dataclass(config) or not isinstance(getattr(config, "seeds", None), int):
            raise OctavoError(f"{module.__name__}.SCALES[{name!r}] is no dataclass with a field seeds: int.")
    return found


def config_class(paper: str | catalogue.Paper) -> type:
    """The dataclass whose fields are the paper's flags."""
    return type(next(iter(scales(paper).values())))


def plan(
    paper: str | catalogue.Paper,
    scale: str = "laptop",
    overrides: Mapping[str, Any] | None = None,
    seeds: int | None = None,
    parts: Iterable[str] | None = None,
    *,
    device: str | None = None,
    fresh: bool = False,
) -> Plan:
    """Lay out the units of a run: seed 0 of every part first, then seed 1, and so on.

    Args:
        paper: a slug, or a paper of the catalogue.
        scale: a name in the experiment's `SCALES`.
        overrides: fields of the config that differ from the scale's.
        seeds: how many, where that differs; parts that declare their own number keep it.
        parts: names of the parts to run; all where absent.
        device: as torch names it; at scales `gpu` and `paper` a GPU where there is one, else the CPU.
        fresh: measure anew what is on disk already.

    Raises:
        OctavoError: an unknown paper, scale, field or part.
    """
    from octavo.lab.provenance import code_hash

    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    known = scales(card)
    if scale not in known:
        hint = catalogue.did_you_mean(scale, known)
        raise OctavoError(f"{card.slug} has no scale {scale!r}.{hint} It has {', '.join(known)}.")
    config = _override(card.slug, known[scale], overrides or {})
    if seeds is not None:
        if seeds < 1:
            raise OctavoError(f"A run was asked for with seeds={seeds}. It needs at least one.")
        config = replace(config, seeds=seeds)
    module = experiment(card)
    chosen = _choose(card.slug, parts_of(module), parts)
    device = device or _default_device(scale)
    code, digest = code_hash(card.folder), config_hash(config)
    units = tuple(
        Unit(
            card.slug,
            part.name,
            config,
            seed,
            scale,
            module.__name__,
            device=device,
            hash=digest,
            code=code,
            timed=part.timed,
        )
        for seed in range(max(_seeds(part, config, scale) for part in chosen))
        for part in chosen
        if seed < _seeds(part, config, scale)
    )
    folder = runs_root() / card.slug / f"{scale}-{digest}"
    whole = not overrides and seeds is None and parts is None and device == _default_device(scale)
    return Plan(card, scale, config, chosen, plots_of(module), units, folder, device, whole, fresh)


def _seeds(part: Part, config: Any, scale: str) -> int:
    """How many seeds a part has: its own number, else the config's, which the scale `smoke` never exceeds."""
    own = part.seeds or int(config.seeds)
    return min(own, int(config.seeds)) if scale == "smoke" else own


def _override(paper: str, config: Any, overrides: Mapping[str, Any]) -> Any:
    names = [field.name for field in fields(config)]
    for name in overrides:
        if name not in names:
            hint = catalogue.did_you_mean(name, names)
            raise OctavoError(f"{paper} has no setting {name!r}.{hint} It has {', '.join(names)}.")
    for name, value in overrides.items():
        # Counts and sizes: a slice takes a negative one, and measures something else.
        if type(value) is int and value < 0:
            raise OctavoError(f"{paper} was asked for with {name}={value}. It must not be negative.")
        if isinstance(value, float) and not math.isfinite(value):
            raise OctavoError(f"{paper} was asked for with {name}={value}. It must be a finite number.")
    try:
        config = replace(config, **overrides)
        wrong = out_of_bounds(config)
    except (TypeError, ValueError) as error:
        # The config itself refuses values that do not fit each other.
        wrong = [str(error)]
    if wrong:
        raise OctavoError(f"{paper} cannot run so: {'; '.join(wrong)}.")
    if config.seeds < 1:
        raise OctavoError(f"A run was asked for with seeds={config.seeds}. It needs at least one.")
    return config


def _choose(paper: str, known: tuple[Part, ...], names: Iterable[str] | None) -> tuple[Part, ...]:
    if not known:
        raise OctavoError(f"{paper}'s experiment has no parts. Mark its functions with @part.")
    if names is None:
        return known
    wanted = tuple(names)
    every = [part.name for part in known]
    for name in wanted:
        if name not in every:
            hint = catalogue.did_you_mean(name, every)
            raise OctavoError(f"{paper} has no part {name!r}.{hint} It has {', '.join(every)}.")
    if not wanted:
        raise OctavoError(f"A run of {paper} was asked for without a part. It has {', '.join(every)}.")
    return tuple(part for part in known if part.name in wanted)


def _default_device(scale: str) -> str:
    if scale not in ON_A_GPU:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
