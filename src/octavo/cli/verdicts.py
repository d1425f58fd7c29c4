"""Claims with their verdicts, as a table for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from octavo.cli.terminal import verdict_style

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDE = 116


def print_verdicts(out: "Console", rows: Sequence[dict[str, Any]], remarks: bool = True) -> None:
    """Prints claims with the paper's figure, what was measured, and the verdict.

    Args:
        out: where to.
        rows: as `Judgement.as_dict` gives them.
        remarks: also why the verdict is what it is, caveats and later evidence.
    """
    if out.width >= WIDE:
        out.print(_table(rows, remarks))
    else:
        for row in rows:
            out.print(_block(row, remarks))
    out.print(_count(rows))


def verdict_text(row: dict[str, Any]) -> str:
    """The verdict with the scale at which it was reached."""
    if not row["verdict"]:
        return "not measured"
    if not row["seeds"] or row["verdict"].startswith("needs"):
        return str(row["verdict"])
    return f"{row['verdict']} ({row['scale']})"


def _remarks(row: dict[str, Any]) -> list[tuple[str, str]]:
    named = [
        ("why", row["why"]),
        ("note", row.get("note", "")),
        ("caveat", row["caveat"]),
        ("later", f"{row['later']} ({row['later_source']})" if row["later"] else ""),
    ]
    return [(name, text) for name, text in named if text]


def _measured(row: dict[str, Any]) -> str:
    return row["measured"] or "-"


def _table(rows: Sequence[dict[str, Any]], remarks: bool) -> "RenderableType":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True, style="bold")
    table.add_column("claim", ratio=5)
    table.add_column("the paper", ratio=3)
    table.add_column("measured", ratio=4)
    table.add_column("verdict", min_width=16)
    for row in rows:
        says = Text(row["says"])
        for name, text in _remarks(row) if remarks else ():
            says.append(f"\n{name}: {text}", style="dim")
        table.add_row(
            row["claim"],
            says,
            Text(_paper(row)),
            Text(_measured(row)),
            Text(verdict_text(row), verdict_style(row["verdict"])),
        )
        table.add_section()
    return table


def _block(row: dict[str, Any], remarks: bool) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(min_width=8, no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_row(Text(row["claim"], "bold"), Text(row["says"], "bold"))
    grid.add_row(Text("paper", "dim"), Text(_paper(row)))
    grid.add_row(Text("measured", "dim"), Text(_measured(row)))
    grid.add_row(Text("verdict", "dim"), Text(verdict_text(row), verdict_style(row["verdict"])))
    for name, text in _remarks(row) if remarks else ():
        grid.add_row(Text(name, "dim"), Text(text, "dim"))
    grid.add_row()
    return grid


def _paper(row: dict[str, Any]) -> str:
    return f"{row['paper_figure']} ({row['source']})" if row["source"] else str(row["paper_figure"])


def _count(rows: Sequence[dict[str, Any]]) -> "RenderableType":
    from rich.text import Text

    counts: dict[str, int] = {}
    for row in rows:
        kind = "needs something" if row["verdict"].startswith("needs") else row["verdict"] or "not measured"
        counts[kind] = counts.get(kind, 0) + 1
    order = ["holds", "in direction", "does not hold", "undecided", "needs something", "not measured"]
    parts = [
        Text(f"{counts[kind]} {kind}", verdict_style(kind))
        for kind in sorted(counts, key=lambda kind: order.index(kind) if kind in order else len(order))
    ]
    claims = f"{len(rows)} claim{'s' if len(rows) != 1 else ''}: "
    return Text(claims).append_text(Text(", ").join(parts))
