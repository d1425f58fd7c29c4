"""Curves over sizes, out of records."""

from typing import Any


def by_size(records: Any, system: str, prefix: str) -> dict[int, list[float]]:
    """Values of a system at each size, where the data set's name ends with the size; one a seed."""
    found: dict[int, list[float]] = {}
    for record in records.where(system=system, at={}):
        size = record.dataset.removeprefix(prefix)
        if record.dataset.startswith(prefix) and size.isdigit():
            found.setdefault(int(size), []).append(record.value)
    return found


def placed(records: Any, axis: str) -> dict[int, list[float]]:
    """Values at each place along an axis, one a seed."""
    found: dict[int, list[float]] = {}
    for record in records:
        if record.at:
            found.setdefault(int(dict(record.at)[axis]), []).append(record.value)
    return found
