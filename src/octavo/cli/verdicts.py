"""Claims with their verdicts, as a table for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from octavo.cli.terminal import verdict_style

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

WIDE = 116
NOT_MEASURED = "not measured yet"
NEEDS = "needs something that is not here"


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
    out.print(count(rows))


def verdict_text(row: dict[str, Any]) -> str:
    """The verdict with the scale at which it was reached."""
    if not is_measured(row):
        return NOT_MEASURED
    place = f" ({row['scale']})" if row["seeds"] and row["scale"] else ""
    return f"{row['verdict']}{place}"


def is_measured(row: dict[str, Any]) -> bool:
    """Whether records speak to the claim, or it is known what it needs."""
    return bool(row["seeds"]) or row["verdict"].startswith("needs")


def _remarks(row: dict[str, Any]) -> list[tuple[str, str]]:
    named = [
        ("why", row["why"] if is_measured(row) else ""),
        ("note", row.get("note", "")),
        ("caveat", row["caveat"]),
        ("later", f"{row['later']} ({row['later_source']})" if row["later"] else ""),
    ]
    return [(name, text) for name, text in named if text]


def _verdict(row: dict[str, Any]) -> "Text":
    from rich.text import Text

    text = verdict_text(row)
    return Text(text, verdict_style(text))


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
            Text(row["measured"] or "-"),
            _verdict(row),
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
    if row["measured"]:
        grid.add_row(Text("measured", "dim"), Text(row["measured"]))
    grid.add_row(Text("verdict", "dim"), _verdict(row))
    for name, text in _remarks(row) if remarks else ():
        grid.add_row(Text(name, "dim"), Text(text, "dim"))
    grid.add_row()
    return grid


def _paper(row: dict[str, Any]) -> str:
    return f"{row['paper_figure']} ({row['source']})" if row["source"] else str(row["paper_figure"])


def count(rows: Sequence[dict[str, Any]]) -> "Text":
    """How many claims have which verdict, in one line."""
    from rich.text import Text

    counts: dict[str, int] = {}
    for row in rows:
        verdict = row["verdict"] if is_measured(row) else NOT_MEASURED
        kind = NEEDS if verdict.startswith("needs") else verdict
        counts[kind] = counts.get(kind, 0) + 1
    order = ["holds", "in direction", "does not hold", "undecided", NEEDS, NOT_MEASURED]
    parts = [
        Text(f"{counts[kind]} {kind}", verdict_style(kind))
        for kind in sorted(counts, key=lambda kind: order.index(kind) if kind in order else len(order))
    ]
    claims = f"{len(rows)} claim{'s' if len(rows) != 1 else ''}: "
    return Text(claims).append_text(Text(", ").join(parts))
