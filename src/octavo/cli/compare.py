"""`octavo compare DATASET`: every system that was measured on a data set."""

from typing import Annotated, Any

import tyro

from octavo import catalogue, runner
from octavo.cli import output
from octavo.cli.parse import call
from octavo.errors import OctavoError
from octavo.ledger.leaderboard import Row, tables
from octavo.ledger.leaderboard import compare as leaderboard


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints the leaderboard."""
    return call(compare, arguments, "octavo compare")


def compare(
    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")],
    metric: str | None = None,
    scale: str = "laptop",
    here: bool = False,
    json: bool = False,
) -> int:
    """All systems of all papers that were measured on a data set, best first.

    Args:
        dataset: its name, as records have it.
        metric: only this metric.
        scale: of the records; numbers of different scales do not compare.
        here: show runs of this machine in the place of published ones.
        json: print JSON.
    """
    own = [runner.lookup(paper, scale) for paper in catalogue.papers() if paper.runs] if here else []
    rows = leaderboard(dataset, [run for run in own if run is not None], scale=scale)
    by_metric = tables(rows)
    if metric is not None:
        if metric not in by_metric:
            hint = catalogue.did_you_mean(metric, by_metric) or f" There are {', '.join(by_metric)}."
            raise OctavoError(f"Nothing on {rows[0].dataset} was measured as {metric!r}.{hint}")
        by_metric = {metric: by_metric[metric]}
    if json:
        output.print_json([row.as_dict() for found in by_metric.values() for row in found])
    else:
        _print(by_metric)
    return 0


def _print(by_metric: dict[str, list[Row]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from octavo.cli.terminal import console

    out = console()
    for metric, rows in by_metric.items():
        first = rows[0]
        side = f"{first.better} is better" + (", as far as is known" if first.assumed else "")
        unit = f", {first.unit}" if first.unit else ""
        out.print(Text(f"{metric} on {first.dataset}", "bold") + Text(f"  {side}{unit}", "dim"))
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for name, options in _COLUMNS.items():
            table.add_column(name, **options)
        for place, row in enumerate(rows, start=1):
            known = row.low == row.low and row.high == row.high
            interval = f"[{output.number(row.low)}, {output.number(row.high)}]" if known else ""
            table.add_row(
                str(place),
                Text(row.system, "bold" if place == 1 else ""),
                Text(row.paper),
                output.number(row.mean),
                Text(interval),
                str(row.seeds),
            )
        out.print(table)
        out.print()


_COLUMNS: dict[str, dict[str, Any]] = {
    "": {"justify": "right", "style": "dim"},
    "system": {},
    "paper": {},
    "mean": {"justify": "right"},
    "95% interval": {},
    "seeds": {"justify": "right"},
}
