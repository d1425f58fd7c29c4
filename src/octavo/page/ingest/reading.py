"""What all imports share: lines from where a file was left, rejects with reasons, batches."""

import gzip
import lzma
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from octavo.errors import OctavoError
from octavo.page.store import ListedPaper, Store, Upserted

BATCH = 5000
"""Papers in one transaction."""


class Rejected(Exception):
    """A line that is no paper; its text is the reason, the same for the same fault."""


@dataclass
class Report:
    """What an import came to.

    Args:
        papers: how many were new, changed, the same.
        rejected: lines that were left out, by reason.
        lines: how many were read.
    """

    papers: Upserted = field(default_factory=Upserted)
    rejected: Counter[str] = field(default_factory=Counter)
    lines: int = 0


def opened(file: Path) -> IO[bytes]:
    """A file as bytes, unpacked where its name ends in .gz or .xz.

    Raises:
        OctavoError: it cannot be read.
    """
    try:
        if file.suffix == ".gz":
            return cast(IO[bytes], gzip.open(file))
        if file.suffix == ".xz":
            return cast(IO[bytes], lzma.open(file))
        return file.open("rb")
    except OSError as error:
        raise OctavoError(f"{file} cannot be read: {error.strerror}.") from None


def import_lines(
    store: Store,
    file: Path,
    source: str,
    read: Callable[[bytes], ListedPaper],
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Imports a file with one paper a line; an import that was stopped goes on where the store stands.

    The place in the file is saved in the transaction of the papers before it. A file that has changed since
    then (another size or time) is read from its start, which changes nothing for papers that are the same.

    Args:
        store: where the papers go.
        file: the file, packed or not.
        source: the name under which the place in the file is kept.
        read: makes a paper of a line, or raises `Rejected`.
        progress: is told after each transaction.
    """
    state = os.stat(file) if file.is_file() else None
    if state is None:
        raise OctavoError(f"There is no file {file}.")
    name = f"{source}:{file.resolve()}"
    stamp = [state.st_size, int(state.st_mtime)]
    kept = store.jobs.cursor(name) or {}
    offset = int(kept["offset"]) if kept.get("file") == stamp else 0
    report = Report()
    with opened(file) as lines, ThreadPoolExecutor(1) as writer:
        lines.seek(offset)
        batch: list[ListedPaper] = []
        # One batch is written, by a thread that the database mostly keeps, while the next one is read.
        written: Future[Upserted] | None = None

        def settle() -> None:
            if written is not None:
                report.papers += written.result()
                if progress is not None:
                    progress(report)

        for line in lines:
            offset += len(line)
            if not line.strip():
                continue
            report.lines += 1
            try:
                batch.append(read(line))
            except Rejected as rejected:
                report.rejected[str(rejected)] += 1
            if len(batch) >= BATCH:
                settle()
                written = writer.submit(store.papers.put, batch, (name, {"file": stamp, "offset": offset}))
                batch = []
        settle()
        report.papers += store.papers.put(batch, (name, {"file": stamp, "offset": offset}))
    if progress is not None:
        progress(report)
    return report


def in_batches(papers: Iterator[ListedPaper], store: Store) -> Upserted:
    """Puts papers in, some thousand a transaction."""
    total, batch = Upserted(), []
    for paper in papers:
        batch.append(paper)
        if len(batch) >= BATCH:
            total += store.papers.put(batch)
            batch = []
    return total + store.papers.put(batch)
