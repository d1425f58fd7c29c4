"""What is on disk already: runs that are complete are answered from records, without importing torch."""

import importlib.util
import json
import sys
from importlib import metadata
from pathlib import Path

from octavo import catalogue
from octavo.errors import OctavoError
from octavo.lab.folder import Run, UnitLine, runs_root, write_whole
from octavo.lab.provenance import code_hash
from octavo.runner.plans import Plan, Unit


def lookup(paper: str | catalogue.Paper, scale: str = "laptop") -> Run | None:
    """The run of a paper at a scale, if all its units are finished and were measured by today's code.

    A unit that lacked something counts as finished as long as that is still absent.
    """
    card = catalogue.paper(paper) if isinstance(paper, str) else paper
    root = runs_root() / card.slug
    try:
        index = json.loads((root / f"{scale}.json").read_text(encoding="utf-8"))
        folder, code, units, needs = (index[name] for name in ("folder", "code", "units", "needs"))
        if code != code_hash(card.folder) or any(may_have_come(name) for name in needs):
            return None
        run = Run(root / folder)
    except (OSError, ValueError, KeyError, OctavoError):
        return None
    ended = {(line.part, line.seed) for line in run.units() if line.finished or line.status == "needs"}
    return run if {(part, seed) for part, seed in units} <= ended else None


def remember(plan: Plan, run: Run) -> None:
    """Note that a whole plan is complete, or that it no longer is."""
    index = plan.folder.parent / f"{plan.scale}.json"
    ended = {(line.part, line.seed): line for line in run.units()}
    lines = [ended.get((unit.part, unit.seed)) for unit in plan.units]
    complete = all(line is not None and (line.finished or line.status == "needs") for line in lines)
    if not complete or stale(plan, run):
        index.unlink(missing_ok=True)
        return
    content = {
        "folder": plan.folder.name,
        "code": plan.code,
        "units": [[unit.part, unit.seed] for unit in plan.units],
        "needs": sorted({line.needs for line in lines if line is not None and line.needs}),
    }
    write_whole(index, json.dumps(content) + "\n")


def pending(plan: Plan, run: Run) -> tuple[Unit, ...]:
    """The units that are not finished, those left out whose missing thing is still absent."""
    ended = {(line.part, line.seed): line for line in run.units()}

    def is_open(unit: Unit) -> bool:
        line = ended.get((unit.part, unit.seed))
        if line is None:
            return True
        return may_have_come(line.needs) if line.status == "needs" else not line.finished

    return tuple(unit for unit in plan.units if is_open(unit))


def stale(plan: Plan, run: Run) -> list[UnitLine]:
    """The units of a plan that were measured by other code than today's."""
    wanted = {(unit.part, unit.seed) for unit in plan.units}
    return [
        line
        for line in run.units()
        if (line.part, line.seed) in wanted
        and line.finished
        and line.provenance.get("code", plan.code) != plan.code
    ]


def may_have_come(name: str) -> bool:
    """Whether something that a unit lacked is here now, as far as can be told without loading it.

    Args:
        name: a data set or model, `gpu`, or a package by its own name or the one it is imported by.

    Example:
        >>> may_have_come("torch"), may_have_come("a_package_that_nobody_wrote")
        (True, False)
    """
    if name == "gpu":
        torch = sys.modules.get("torch")
        return bool(torch.cuda.is_available()) if torch is not None else Path("/dev/nvidiactl").exists()
    from octavo import data

    if name in {entry.name for entry in data.entries()}:
        return data.available(name)
    try:
        metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        return name.isidentifier() and importlib.util.find_spec(name) is not None
    return True
