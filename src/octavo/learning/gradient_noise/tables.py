"""Synthetic questions about tables of numbers and of words, for the Neural Programmer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NUMBER = "<number>"
WORDS = ("<pad>", NUMBER, "sum", "count", "print", "greater", "lesser", "and", "or")
COLUMNS = ("A", "B", "C", "D", "E")
TEXT_COLUMNS = ("F", "G")
ENTRIES = ("red", "green", "blue", "white", "black")
"""What stands in the columns of text."""
VOCABULARY = {word: index for index, word in enumerate((*WORDS, *COLUMNS, "match", *TEXT_COLUMNS, *ENTRIES))}
NUMBERS = 2


@dataclass(frozen=True)
class Template:
    """A kind of question.

    Args:
        words: with ``x`` and ``y`` for columns, ``z`` for a column of text, ``e`` for one of its entries, and
            the number's mark for numbers.
        selects: from the table and the numbers, the rows that are wanted; None for all, or where words are
            matched.
        answers: ``sum`` or ``print`` of column y, or ``count`` of the rows.
        steps: operations that its shortest program has.
    """

    words: tuple[str, ...]
    selects: Callable[[Tensor, Tensor], Tensor] | None
    answers: str
    steps: int


def _template(text: str, steps: int) -> Template:
    words = tuple(text.replace("#", NUMBER).split())
    compared = [word for word in words if word in ("greater", "lesser")]
    joined = "and" if "and" in words else "or"

    def selects(column: Tensor, numbers: Tensor) -> Tensor:
        rows = [
            column > numbers[:, index, None] if word == "greater" else column < numbers[:, index, None]
            for index, word in enumerate(compared)
        ]
        if len(rows) == 1:
            return rows[0]
        return rows[0] & rows[1] if joined == "and" else rows[0] | rows[1]

    answers = next(word for word in words if word in ("sum", "count", "print"))
    return Template(words, selects if compared else None, answers, steps)


TEMPLATES: Mapping[str, Template] = {
    name: _template(text, steps)
    for name, text, steps in (
        ("sum", "sum y", 1),
        ("count", "count", 1),
        ("greater count", "greater # x count", 2),
        ("lesser count", "lesser # x count", 2),
        ("greater sum", "greater # x sum y", 2),
        ("lesser sum", "lesser # x sum y", 2),
        ("greater print", "greater # x print y", 2),
        ("lesser print", "lesser # x print y", 2),
        ("and count", "greater # x and lesser # x count", 4),
        ("or count", "greater # x or lesser # x count", 4),
        ("and sum", "greater # x and lesser # x sum y", 4),
        ("or sum", "greater # x or lesser # x sum y", 4),
        ("and print", "greater # x and lesser # x print y", 4),
        ("or print", "greater # x or lesser # x print y", 4),
        ("match count", "match e z count", 2),
        ("match sum", "match e z sum y", 2),
        ("match print", "match e z print y", 2),
    )
}
"""All kinds of questions, by name."""
NUMERIC = tuple(name for name in TEMPLATES if not name.startswith("match"))
"""Those about numbers alone."""


def questions(
    count: int,
    generator: torch.Generator,
    *,
    templates: Sequence[str] = NUMERIC,
    columns: int = 5,
    text_columns: int = 0,
    rows: tuple[int, int] = (3, 8),
    largest: float = 10.0,
) -> dict[str, Tensor]:
    """Random tables, each with a question and its answer.

    Args:
        count: how many.
        generator: of everything.
        templates: the kinds of questions, each as often as the others.
        columns: of numbers in a table, at most five.
        text_columns: of words, at most two.
        rows: the fewest and the most of a table.
        largest: numbers lie between minus this and this.

    Returns:
        What the model takes (question, numbers, places, table, row_mask, and texts where there are some), and
        what it should give (scalar, lookup, is_lookup); by name, the count as first axis.

    Raises:
        ValueError: a template is unknown or needs text that is not there, or there are more columns than
            names.

    Example:
        >>> batch = questions(4, torch.Generator().manual_seed(0), templates=("sum",), columns=2)
        >>> batch["table"].shape, batch["is_lookup"].any().item()
        (torch.Size([4, 8, 2]), False)
    """
    unknown = [name for name in templates if name not in TEMPLATES]
    if unknown or not templates:
        raise ValueError(f"unknown templates {unknown}; there are {', '.join(TEMPLATES)}")
    if not 1 <= columns <= len(COLUMNS):
        raise ValueError(f"columns={columns} must lie between 1 and {len(COLUMNS)}")
    matching = any("match" in TEMPLATES[name].words for name in templates)
    if not matching <= text_columns <= len(TEXT_COLUMNS):
        raise ValueError(
            f"text_columns={text_columns} must lie between {int(matching)} and {len(TEXT_COLUMNS)}"
        )
    fewest, most = rows
    table = largest * (2 * torch.rand(count, most, columns, generator=generator) - 1)
    sizes = torch.randint(fewest, most + 1, (count, 1), generator=generator)
    row_mask = torch.arange(most) < sizes
    numbers = largest * (2 * torch.rand(count, NUMBERS, generator=generator) - 1)
    x, y = torch.randint(columns, (2, count), generator=generator)
    kinds = torch.randint(len(templates), (count,), generator=generator)
    # No wider than needed: a model reads word by word.
    longest = max(len(TEMPLATES[name].words) for name in templates)
    batch = {
        "question": torch.zeros(count, longest, dtype=torch.long),
        "numbers": numbers,
        "places": torch.full((count, NUMBERS), -1),
        "table": table * row_mask[..., None],
        "row_mask": row_mask,
        "scalar": torch.zeros(count),
        "lookup": torch.zeros(count, most, columns + text_columns),
        "is_lookup": torch.zeros(count, dtype=torch.bool),
    }
    z = e = torch.zeros_like(x)
    if text_columns:
        entries = torch.randint(len(ENTRIES), (count, most, text_columns), generator=generator)
        batch["texts"] = (entries + VOCABULARY[ENTRIES[0]]) * row_mask[..., None]
        z = torch.randint(text_columns, (count,), generator=generator)
        e = torch.randint(len(ENTRIES), (count,), generator=generator)
    for index, name in enumerate(templates):
        chosen = (kinds == index).nonzero()[:, 0]
        if len(chosen):
            _fill(batch, TEMPLATES[name], chosen, {"x": x, "y": y, "z": z, "e": e})
    return batch


def _fill(batch: dict[str, Tensor], template: Template, chosen: Tensor, drawn: Mapping[str, Tensor]) -> None:
    """Write the questions of one kind and their answers."""
    x, y, z, e = (drawn[name][chosen] for name in "xyze")
    # Names of columns follow each other in the vocabulary, and so do entries.
    first = {"x": COLUMNS[0], "y": COLUMNS[0], "z": TEXT_COLUMNS[0], "e": ENTRIES[0]}
    placed = 0
    for index, word in enumerate(template.words):
        batch["question"][chosen, index] = (
            drawn[word][chosen] + VOCABULARY[first[word]] if word in first else VOCABULARY[word]
        )
        if word == NUMBER:
            batch["places"][chosen, placed] = index
            placed += 1
    table, present = batch["table"][chosen], batch["row_mask"][chosen]

    def column(which: Tensor) -> Tensor:
        return table.gather(2, which[:, None, None].expand(-1, table.shape[1], 1))[..., 0]

    rows = present
    if template.selects is not None:
        rows = rows & template.selects(column(x), batch["numbers"][chosen])
    if "match" in template.words:
        texts = batch["texts"][chosen].gather(2, z[:, None, None].expand(-1, table.shape[1], 1))[..., 0]
        rows = rows & (texts == e[:, None] + VOCABULARY[ENTRIES[0]])
    if template.answers == "print":
        batch["is_lookup"][chosen] = True
        batch["lookup"][chosen] = (
            rows[..., None] * torch.nn.functional.one_hot(y, batch["lookup"].shape[2])[:, None].float()
        )
    elif template.answers == "count":
        batch["scalar"][chosen] = rows.sum(1).to(table.dtype)
    else:
        batch["scalar"][chosen] = (rows * column(y)).sum(1)
