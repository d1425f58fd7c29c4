"""`octavo data`: the data sets and pretrained models, which of them are here, and how to get the rest."""

from typing import Any

import tyro

from octavo import catalogue, data
from octavo.cli import output
from octavo.cli.parse import call
from octavo.errors import OctavoError


def main(arguments: list[str]) -> int:
    """Lists what there is, or fetches one."""
    if arguments and arguments[0] == "get":
        return call(get, arguments[1:], "octavo data get")
    if arguments and not arguments[0].startswith("-"):
        raise OctavoError(
            f"octavo data does not know {arguments[0]!r}. Say `octavo data` or `octavo data get NAME`."
        )
    return call(listing, arguments, "octavo data")


def listing(missing: bool = False, json: bool = False) -> int:
    """Data sets and pretrained models: here or not, size, licence, and which papers use them.

    `octavo data get NAME` fetches one from its public origin.

    Args:
        missing: only what is not here.
        json: print JSON.
    """
    users: dict[str, list[str]] = {}
    for paper in catalogue.papers():
        for name in paper.data:
            users.setdefault(name, []).append(paper.slug)
    rows = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "here": data.available(entry.name),
            "title": entry.title,
            "size": entry.size,
            "licence": entry.licence,
            "origin": entry.origin,
            "used_by": users.get(entry.name, []),
        }
        for entry in data.entries()
    ]
    if missing:
        rows = [row for row in rows if not row["here"]]
    if json:
        output.print_json(rows)
    else:
        _print(rows)
    return 0


def get(name: tyro.conf.Positional[str]) -> int:
    """Fetches a data set or a model from its public origin, and checks what came.

    Args:
        name: as `octavo data` lists it.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from octavo.cli.terminal import console

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    err = console(to_stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(name, total=None)

        def show(file: str, done: int, total: int) -> None:
            bars.update(task, description=file, completed=done, total=total or None)

        files = data.get(name, progress=show)
    for path in files:
        print(output.relative(path))
    if not files:
        print(f"{name} is generated from a seed; there is nothing to fetch.")
    return 0


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from octavo.cli.terminal import console, marks

    there, absent = marks()
    out = console()
    wide = out.width >= 110
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True, header_style="dim")
    table.add_column("", width=1)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("size", justify="right", no_wrap=True, style="dim")
    if wide:
        table.add_column("licence", ratio=1, no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column("used by", no_wrap=True, overflow="ellipsis", max_width=20)
    for row in rows:
        table.add_row(
            Text(there, "green") if row["here"] else Text(absent, "dim"),
            Text(row["name"]),
            Text(row["title"]),
            _size(row["size"]),
            *([Text(row["licence"])] if wide else []),
            Text(", ".join(row["used_by"])),
        )
    out.print(table)
    out.print()
    here = sum(row["here"] for row in rows)
    out.print(
        f"[green]{there}[/green] here: {here}   [dim]{absent}[/dim] not here: {len(rows) - here}   "
        "[dim]`octavo data get NAME` fetches one; OCTAVO_DATA names a folder of your own[/dim]"
    )


def _size(count: int) -> str:
    if not count:
        return "-"
    return f"{count / 1e6:.1f} MB" if count < 100e6 else f"{count / 1e6:.0f} MB"
