"""`octavo run PAPER`: measures a paper's claims, and prints what the records say of them."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import tyro

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import output
from octavo.cli.parse import PaperName, call, field_help, read
from octavo.errors import RunFailed

if TYPE_CHECKING:
    from octavo.lab import Run
    from octavo.runner import Outcome

Several = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME")]
BROKEN = ("failed", "diverged", "timeout")


@dataclass(frozen=True)
class Options:
    """How the run is done."""

    scale: str = "laptop"
    """smoke (seconds), laptop (minutes), gpu, or paper (the paper's own setting)."""
    part: Several = ()
    """Only this part of the experiment; may be given several times."""
    seeds: int | None = None
    """How many seeds; those of the scale when left out."""
    jobs: int | None = None
    """Processes side by side; one a core when left out."""
    threads: int = 1
    """Threads of each process. Compare records of one number only, since sums round otherwise."""
    device: str | None = None
    """As torch names it; at scale gpu and paper a GPU where there is one."""
    ray: str | None = None
    """Address of a Ray cluster that does the work, or `local` to start one here."""
    limit: float | None = None
    """Seconds that one part with one seed may take."""
    tracker: Several = ()
    """A tracker that mirrors each training, such as tensorboard; may be given several times."""
    again: Annotated[bool, tyro.conf.arg(aliases=["--fresh"])] = False
    """Measure anew what is on disk already; the earlier records are put aside."""
    json: bool = False
    """Print JSON."""

    @property
    def whole(self) -> bool:
        """Whether nothing but a scale is asked for, so that a run that is complete on disk answers it."""
        return not (self.part or self.seeds is not None or self.again or self.device or self.ray)


def main(arguments: list[str]) -> int:
    """Reads the arguments in two steps, since only the paper's config says which further flags there are."""
    card = _named(arguments)
    if card is not None and {"-h", "--help"} & set(arguments):
        return call(_command(card, _scale(arguments)), ["--help"], "octavo run")
    if card is not None:
        # Behind a flag that is not known yet, tyro would take the name for the flag's value.
        arguments = [card.slug, *(word for word in arguments if not _is(word, card.slug))]
    bound, unknown = read(_asked, arguments, "octavo run")
    slug, options = bound()
    card = card or catalogue.paper(slug)
    if not unknown and options.whole and (run := on_disk(card, options.scale)) is not None:
        return report(card, run, options)
    return call(_command(card, options.scale), arguments, "octavo run")


def on_disk(card: Paper, scale: str) -> "Run | None":
    """The complete run of a paper at a scale, which is found without importing torch."""
    from octavo import runner

    # Where several processes share a run, all of them must come to the same answer.
    return runner.lookup(card, scale) if os.environ.get("WORLD_SIZE", "1") == "1" else None


def measure(card: Paper, options: Options, overrides: Mapping[str, Any]) -> int:
    """Runs what is missing on disk, and reports."""
    from octavo import runner

    plan = runner.plan(
        card,
        options.scale,
        overrides,
        options.seeds,
        options.part or None,
        device=options.device,
        fresh=options.again,
    )
    with output.quiet_stdout(options.json):
        outcome = runner.run(
            plan,
            options.jobs or "auto",
            options.threads,
            options.ray,
            limit=options.limit,
            trackers=options.tracker,
        )
    if not outcome.first:
        return 0
    for note in outcome.notes:
        print(f"octavo: {note}", file=sys.stderr)
    return report(card, outcome.run, options, outcome)


def report(card: Paper, run: "Run", options: Options, outcome: "Outcome | None" = None) -> int:
    """Prints what the records of a run say of the claims.

    Args:
        card: the paper.
        run: the folder with its records.
        options: what was asked for.
        outcome: how this call's units ended; None where nothing had to be measured.

    Raises:
        RunFailed: a unit failed, diverged or took too long; what was measured is printed all the same.
    """
    from octavo import ledger

    units = run.units()
    rows = [judgement.as_dict() for judgement in ledger.judge_run(card, run)]
    wrong = (
        [*outcome.failed, *outcome.diverged] if outcome else [unit for unit in units if unit.status in BROKEN]
    )
    if options.json:
        output.print_json(
            {
                "paper": card.slug,
                "scale": options.scale,
                "folder": run.folder,
                "measured_units": outcome.measured if outcome else 0,
                "seconds": outcome.seconds if outcome else 0.0,
                "units": [
                    {"part": u.part, "seed": u.seed, "status": u.status, "seconds": u.seconds, "why": u.why}
                    for u in units
                ],
                "figures": run.figures(),
                "claims": rows,
            }
        )
    else:
        _print(card, run, rows, options, outcome)
    if wrong:
        first = wrong[0]
        raise RunFailed(
            f"{len(wrong)} of {len(units)} units did not end well. "
            f"The first: {first.part}, seed {first.seed}, {first.status}: {first.why}"
        )
    return 0


def _print(
    card: Paper, run: "Run", rows: list[dict[str, Any]], options: Options, outcome: "Outcome | None"
) -> None:
    from rich.text import Text

    from octavo.cli.terminal import console
    from octavo.cli.verdicts import is_measured, print_verdicts

    out = console()
    shown = [row for row in rows if is_measured(row)] if options.part else rows
    out.print(Text(f"{card.title} ({card.year}) at {options.scale} scale", "bold"))
    out.print()
    if shown:
        print_verdicts(out, shown)
    elif not rows:
        out.print("The card has no claims yet, so nothing is judged.")
    if len(shown) < len(rows):
        out.print(Text(f"{len(rows) - len(shown)} further claims are not measured by these parts", "dim"))
    out.print()
    for name, path in [*(("figure", figure) for figure in run.figures()), ("records", run.folder)]:
        out.print(Text(f"{name:<8}", "dim") + Text(output.relative(path)), soft_wrap=True)
    if outcome is None or not outcome.measured:
        took = "all of it was on disk; `--again` measures anew"
    else:
        took = f"{output.duration(outcome.seconds)} for {outcome.measured} units of work"
    out.print(Text("time    ", "dim") + Text(took))


def _asked(paper: PaperName, run: tyro.conf.OmitArgPrefixes[Options]) -> tuple[str, Options]:
    """Measures a paper's claims on this machine, and judges them.

    `octavo run PAPER --help` lists the flags of that paper's experiment too.

    Args:
        paper: its slug, as `octavo papers` lists it.
    """
    return paper, run


def _command(card: Paper, scale: str) -> Callable[..., int]:
    """The command with one flag for each field of the paper's config at a scale."""
    from octavo import runner

    scales = runner.scales(card)
    defaults = scales.get(scale, next(iter(scales.values())))
    config = _config_flags(defaults)

    def command(paper: Any, run: Any, experiment: Any) -> int:
        changed = {
            each.name: getattr(experiment, each.name)
            for each in fields(experiment)
            if getattr(experiment, each.name) != getattr(defaults, each.name)
        }
        return measure(card, run, changed)

    command.__annotations__ = {
        "paper": PaperName,
        "run": tyro.conf.OmitArgPrefixes[Options],
        "experiment": Annotated[config, tyro.conf.OmitArgPrefixes],
        "return": int,
    }
    command.__doc__ = (
        f"Measures the claims of {card.title!r} on this machine, and judges them.\n\n"
        f"Args:\n    paper: its slug, as `octavo papers` lists it.\n"
    )
    return command


def _config_flags(defaults: Any) -> type:
    """A dataclass with the fields of a config that are flags of their own, with their help."""
    hints = get_type_hints(type(defaults), include_extras=True)
    helps = field_help(type(defaults))
    taken = {each.name for each in fields(Options)}
    flags = [
        (
            each.name,
            Annotated[hints[each.name], tyro.conf.arg(help=helps.get(each.name) or None)],
            field(default=getattr(defaults, each.name)),
        )
        for each in fields(defaults)
        if each.name not in taken and each.init
    ]
    made = make_dataclass("Config", flags, frozen=True)
    made.__doc__ = "Of this paper's experiment, at this scale."
    return made


def _named(arguments: list[str]) -> Paper | None:
    """The paper among the arguments, wherever it stands."""
    known = {paper.slug: paper for paper in catalogue.papers()}
    return next((known[slug] for word in arguments for slug in known if _is(word, slug)), None)


def _is(word: str, slug: str) -> bool:
    """Whether a word names a paper, in whatever case and with either dash."""
    return word.casefold().replace("-", "_") == slug


def _scale(arguments: list[str]) -> str:
    """The scale that is asked for, before everything else is read: the help shows its values."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--scale" or word.startswith("--scale="):
            return word.partition("=")[2] or following
    return Options.scale
