"""A record is one measured number with its place; records are a sequence of them that can be asked."""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

from octavo.errors import OctavoError

Number = int | float
Place = tuple[tuple[str, Number], ...]
Key = tuple[str, str, str, str, str, int, str, Place]

_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def place(at: Mapping[str, Number] | None) -> Place:
    """The sorted form of a place on an axis, such as `{"tokens": 1024}`.

    Example:
        >>> place({"width": 64, "tokens": 1024})
        (('tokens', 1024), ('width', 64))
    """
    return tuple(sorted((at or {}).items()))


@dataclass(frozen=True, slots=True)
class Record:
    """One number: what was measured, on what, by which part and seed, and how sure its items make it.

    Args:
        paper, part, system, dataset, metric: the names it is found by.
        value: the number; NaN and infinities are kept.
        at: its place on an axis, as sorted pairs; empty for most records.
        n_items, item_low, item_high: number of items and 95% interval over them; NaN where it has none.
        items: the file of the values of its items, relative to the run's folder, or "".
        config: the hash of the config it was measured with.

    Example:
        >>> Record("aaren", "speed", "gru", "stream", "seconds", 0.5, seed=1).key[2:4]
        ('gru', 'stream')
    """

    paper: str
    part: str
    system: str
    dataset: str
    metric: str
    value: float
    unit: str = ""
    seed: int = 0
    scale: str = "laptop"
    at: Place = ()
    n_items: int = 0
    item_low: float = math.nan
    item_high: float = math.nan
    items: str = ""
    config: str = ""

    @property
    def key(self) -> Key:
        """What makes two records the same measurement, so that the later replaces the earlier."""
        return (
            self.paper,
            self.part,
            self.system,
            self.dataset,
            self.metric,
            self.seed,
            self.scale,
            self.at,
        )

    def to_json(self) -> str:
        """One line of JSON, without the newline; numbers that are not finite become strings.

        Example:
            >>> line = Record("p", "a", "s", "d", "loss", float("inf")).to_json()
            >>> Record.from_json(line).value
            inf
        """
        line: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "at":
                value = {name: _dump_number(number) for name, number in value}
            elif isinstance(value, float):
                value = _dump_number(value)
            line[field.name] = value
        return json.dumps(line, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> "Record":
        """The record of one line; keys that a later version may add are passed over.

        Raises:
            ValueError: the line is not a record, for instance because it was cut short.
        """
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError(f"a record is a JSON object, this is {line[:40]!r}")
        known = {field.name: found[field.name] for field in fields(cls) if field.name in found}
        for name in ("value", "item_low", "item_high"):
            if name in known:
                known[name] = float(_load_number(known[name]))
        known["at"] = place({name: _load_number(number) for name, number in known.get("at", {}).items()})
        try:
            return cls(**known)
        except TypeError as error:
            raise ValueError(f"not a whole record: {line[:80]!r}") from error


def _dump_number(number: Number) -> Number | str:
    return number if math.isfinite(number) else str(float(number))


def _load_number(value: Number | str | None) -> Number:
    if value is None:
        return math.nan
    return _NOT_FINITE[value] if isinstance(value, str) else value


class Records(Sequence[Record]):
    """An immutable sequence of records, narrowed with `where`.

    Example:
        >>> records = Records(Record("p", "a", s, "d", "loss", v) for s, v in (("gru", 2.0), ("aaren", 1.0)))
        >>> records.systems, records.where(system="aaren").values()
        (('gru', 'aaren'), (1.0,))
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> "Records": ...
    def __getitem__(self, index: int | slice) -> "Record | Records":
        return Records(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        # By text, since NaN does not equal itself and a lost NaN is what this comparison is for.
        if not isinstance(other, Records):
            return NotImplemented
        return [r.to_json() for r in self] == [r.to_json() for r in other]

    def __hash__(self) -> int:
        return hash(tuple(record.key for record in self))

    def __repr__(self) -> str:
        return f"Records({len(self)}: {', '.join(self.systems)} on {', '.join(self.datasets)})"

    def where(
        self,
        *,
        system: str | Collection[str] | None = None,
        dataset: str | Collection[str] | None = None,
        metric: str | Collection[str] | None = None,
        part: str | Collection[str] | None = None,
        paper: str | Collection[str] | None = None,
        scale: str | Collection[str] | None = None,
        seed: int | Collection[int] | None = None,
        at: Mapping[str, Number] | None = None,
    ) -> "Records":
        """The records that agree with everything given.

        Args:
            system, dataset, metric, part, paper, scale, seed: one value, or several of which any will do.
            at: exactly this place; `{}` for the records that have none.
        """
        wanted: list[tuple[str, Collection[Any]]] = []
        given = {
            "system": system,
            "dataset": dataset,
            "metric": metric,
            "part": part,
            "paper": paper,
            "scale": scale,
            "seed": seed,
        }
        for name, value in given.items():
            if value is not None:
                wanted.append((name, (value,) if isinstance(value, str | int) else value))
        where_at = None if at is None else place(at)
        return Records(
            record
            for record in self
            if (where_at is None or record.at == where_at)
            and all(getattr(record, name) in values for name, values in wanted)
        )

    def values(self) -> tuple[float, ...]:
        """The numbers, in order."""
        return tuple(record.value for record in self)

    def by_seed(self) -> dict[int, float]:
        """The value of each seed, seeds in ascending order.

        Raises:
            OctavoError: two records have one seed, so that the question has no single answer.
        """
        values: dict[int, float] = {}
        for record in sorted(self, key=lambda record: record.seed):
            if record.seed in values:
                raise OctavoError(
                    f"Seed {record.seed} has more than one record of {record.metric}({record.system}, "
                    f"{record.dataset}). Narrow them with where(part=..., at=...) first."
                )
            values[record.seed] = record.value
        return values

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems, in order of appearance."""
        return tuple(dict.fromkeys(record.system for record in self))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets, in order of appearance."""
        return tuple(dict.fromkeys(record.dataset for record in self))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics, in order of appearance."""
        return tuple(dict.fromkeys(record.metric for record in self))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts, in order of appearance."""
        return tuple(dict.fromkeys(record.part for record in self))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, ascending."""
        return tuple(sorted({record.seed for record in self}))
