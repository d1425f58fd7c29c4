"""The Neural Programmer of the paper's question answering experiment."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

OPERATIONS = ("sum", "count", "difference", "greater", "lesser", "and", "or", "assign", "reset")
"""What a step can do, in the order of the rows of the selector; with columns of text also "match"."""


class Answer(NamedTuple):
    """What a program gave.

    Args:
        scalar: a number, the answer to "how many" or "what sum".
        lookup: how much each cell belongs to the answer, in [0, 1].
    """

    scalar: Float[Tensor, " batch"]
    lookup: Float[Tensor, "batch rows columns"]


class Selection(NamedTuple):
    """The program: at each step a distribution over operations and one over columns."""

    operations: Float[Tensor, "batch steps operations"]
    columns: Float[Tensor, "batch steps columns"]


class NeuralProgrammer(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    r"""Answers a question about a table by a short program of soft choices, learned from answers alone.

    A recurrent network reads the question into q. At each of T steps, with h_t the state of a second one that
    remembers what was chosen,

        alpha_op = softmax(U tanh(W_op [q; h_t])),   alpha_col = softmax(P tanh(W_col [q; h_t])),

    where P are the vectors of the columns' names. Every operation is applied to every column, weighted by
    these two: row selectors (greater and lesser than a number of the question, and, or, reset), scalars (sum,
    count, difference) and lookup (assign). Columns of text have one more row selector, match: it takes in the
    rows whose entry is the word of the question that the model attends to.

    Args:
        vocabulary: words of the questions, of which 0 is padding.
        column_words: the word that names each column of numbers.
        text_columns: the word that names each column of text.
        steps: operations of a program.
        width: size of all vectors; the original has 256.

    Shape:
        question ``(batch, words)``, padded with 0 behind its end; numbers ``(batch, numbers)`` with the
        places in the question where they stand, -1 where there is none; table ``(batch, rows, columns)``,
        row_mask ``(batch, rows)``, texts ``(batch, rows, text_columns)`` of words -> `Answer` of scalar
        ``(batch)`` and lookup ``(batch, rows, columns + text_columns)``.

    Raises:
        ValueError: a size is below 1, a column's word is not in the vocabulary, or a table has other columns.

    Example:
        >>> model = NeuralProgrammer(vocabulary=12, column_words=(6, 7, 8), steps=2, width=16)
        >>> answer = model(
        ...     question=torch.tensor([[1, 2, 6]]),
        ...     numbers=torch.tensor([[3.5]]),
        ...     places=torch.tensor([[1]]),
        ...     table=torch.randn(1, 4, 3),
        ...     row_mask=torch.ones(1, 4, dtype=torch.bool),
        ... )
        >>> answer.scalar.shape, answer.lookup.shape
        (torch.Size([1]), torch.Size([1, 4, 3]))

    Differs from the original: an entry of text is one word, and matches that word alone.
    Source: arXiv 1511.04834, section 2; the experiment is arXiv 1511.06807, section 4.3.
    """

    column_words: Int[Tensor, " columns"]

    def __init__(
        self,
        vocabulary: int,
        column_words: Sequence[int],
        *,
        text_columns: Sequence[int] = (),
        steps: int = 4,
        width: int = 256,
    ) -> None:
        super().__init__()
        for name, value in (("vocabulary", vocabulary), ("steps", steps), ("width", width)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1; the original has 4 steps of width 256")
        names = (*column_words, *text_columns)
        if not column_words or not all(0 < word < vocabulary for word in names):
            raise ValueError(f"column_words={names} must name words between 1 and {vocabulary - 1}")
        self.steps, self.numeric, self.text = steps, len(column_words), len(text_columns)
        self.known = OPERATIONS if not text_columns else (*OPERATIONS, "match")
        # Much smaller vectors make all choices alike, and the program hardly learns to choose.
        self.words = nn.Parameter(0.3 * torch.randn(vocabulary, width))
        self.operations = nn.Parameter(0.3 * torch.randn(len(self.known), width))
        self.read = nn.Linear(2 * width, width)
        self.remember = nn.Linear(3 * width, width)
        self.choose_operation = nn.Linear(2 * width, width)
        self.choose_column = nn.Linear(2 * width, width)
        self.register_buffer("column_words", torch.tensor(names), persistent=False)

    def forward(
        self,
        question: Int[Tensor, "batch words"],
        numbers: Float[Tensor, "batch numbers"],
        places: Int[Tensor, "batch numbers"],
        table: Float[Tensor, "batch rows columns"],
        row_mask: Bool[Tensor, "batch rows"],
        texts: Int[Tensor, "batch rows text_columns"] | None = None,
        hard: bool = False,
    ) -> Answer:
        """The answer of the soft program, or with `hard` of its most likely operations and columns."""
        return self.run(question, numbers, places, table, row_mask, texts, hard)[0]

    def run(
        self,
        question: Int[Tensor, "batch words"],
        numbers: Float[Tensor, "batch numbers"],
        places: Int[Tensor, "batch numbers"],
        table: Float[Tensor, "batch rows columns"],
        row_mask: Bool[Tensor, "batch rows"],
        texts: Int[Tensor, "batch rows text_columns"] | None = None,
        hard: bool = False,
    ) -> tuple[Answer, Selection]:
        """The answer, and the program that gave it."""
        if table.shape[-1] != self.numeric:
            raise ValueError(
                f"the table has {table.shape[-1]} columns and the model was made for {self.numeric}; "
                "name each column in column_words"
            )
        if (0 if texts is None else texts.shape[-1]) != self.text:
            raise ValueError(
                f"texts={'None' if texts is None else tuple(texts.shape)} and the model was made for "
                f"{self.text} columns of text; name each of them in text_columns"
            )
        q, states = self._encode(question)
        greater, lesser = self._comparisons(states, numbers, places, table, hard)
        matched = None if texts is None else self._matches(states, question, texts, hard).to(table.dtype)
        present = row_mask.to(table.dtype)
        table = table * present[..., None]
        columns_of = self.words[self.column_words]
        history = torch.zeros_like(q)
        # Selectors before the first step take in every row; scalars before it are 0.
        selectors = [present, present]
        scalars = [torch.zeros_like(q[:, 0])] * 3
        lookup = table.new_zeros(*table.shape[:2], self.numeric + self.text)
        chosen = []
        for _ in range(self.steps):
            seen = torch.cat([q, history], -1)
            operation = (self.choose_operation(seen).tanh() @ self.operations.mT).softmax(-1)
            column = (self.choose_column(seen).tanh() @ columns_of.mT).softmax(-1)
            if hard:
                operation, column = _most_likely(operation), _most_likely(column)
            chosen.append((operation, column))
            alpha = dict(zip(self.known, operation.unsqueeze(-1).unbind(-2), strict=True))
            previous, before = selectors[-1], selectors[-2]
            compared = alpha["greater"][:, None] * greater + alpha["lesser"][:, None] * lesser
            of_numbers, of_text = column.split([self.numeric, self.text], -1)
            row = (compared * of_numbers[:, None]).sum(-1)
            if matched is not None:
                row = row + alpha["match"] * (matched * of_text[:, None]).sum(-1)
            row = row + alpha["and"] * torch.minimum(previous, before)
            row = row + alpha["or"] * torch.maximum(previous, before) + alpha["reset"]
            sums = (previous[..., None] * table).sum(1)
            scalar = alpha["count"][:, 0] * previous.sum(-1)
            scalar = scalar + alpha["sum"][:, 0] * (of_numbers * sums).sum(-1)
            scalar = scalar + alpha["difference"][:, 0] * (scalars[-3] - scalars[-1])
            lookup = alpha["assign"][:, None] * column[:, None] * previous[..., None]
            selectors.append(row * present)
            scalars.append(scalar)
            history = self.remember(
                torch.cat([operation @ self.operations, column @ columns_of, history], -1)
            ).tanh()
        operations, columns = (torch.stack(each, 1) for each in zip(*chosen, strict=True))
        return Answer(scalars[-1], lookup), Selection(operations, columns)

    def _encode(
        self, question: Int[Tensor, "batch words"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch words width"]]:
        """The question's vector, and the state after each word."""
        state = torch.zeros_like(self.words[question[:, 0]])
        states = []
        for index in range(question.shape[1]):
            word = question[:, index]
            new = self.read(torch.cat([state, self.words[word]], -1)).tanh()
            state = torch.where((word != 0)[:, None], new, state)
            states.append(state)
        return state, torch.stack(states, 1)

    def _comparisons(
        self,
        states: Float[Tensor, "batch words width"],
        numbers: Float[Tensor, "batch numbers"],
        places: Int[Tensor, "batch numbers"],
        table: Float[Tensor, "batch rows columns"],
        hard: bool,
    ) -> tuple[Float[Tensor, "batch rows columns"], Float[Tensor, "batch rows columns"]]:
        """Where each cell is greater, and lesser, than the number that the comparison looks at."""
        width = states.shape[-1]
        index = places.clamp_min(0)[..., None].expand(*places.shape, width)
        at_numbers = states.gather(1, index)
        found = []
        for name in ("greater", "lesser"):
            scores = (at_numbers * self.operations[OPERATIONS.index(name)]).sum(-1)
            scores = scores.masked_fill(places < 0, torch.finfo(scores.dtype).min)
            weights = scores.softmax(-1)
            if hard:
                weights = _most_likely(weights)
            pivot = (weights * numbers).sum(-1)[:, None, None]
            found.append((table > pivot if name == "greater" else table < pivot).to(table.dtype))
        return found[0], found[1]

    def _matches(
        self,
        states: Float[Tensor, "batch words width"],
        question: Int[Tensor, "batch words"],
        texts: Int[Tensor, "batch rows text_columns"],
        hard: bool,
    ) -> Float[Tensor, "batch rows text_columns"]:
        """How much of the attention over the question's words lies on the word of each entry."""
        scores = (states * self.operations[self.known.index("match")]).sum(-1)
        weights = scores.masked_fill(question == 0, torch.finfo(scores.dtype).min).softmax(-1)
        if hard:
            weights = _most_likely(weights)
        same = question[:, None, None] == texts[..., None]
        return (same * weights[:, None, None]).sum(-1)


def programmer_loss(
    answer: Answer,
    scalar: Float[Tensor, " batch"],
    lookup: Float[Tensor, "batch rows columns"],
    is_lookup: Bool[Tensor, " batch"],
    row_mask: Bool[Tensor, "batch rows"],
    *,
    delta: float = 10.0,
    weight: float = 10.0,
) -> Float[Tensor, " batch"]:
    """The Huber loss of a number or the log loss of a lookup, whichever the question wants.

    Args:
        answer: of the model.
        scalar: the right number, where one is wanted.
        lookup: 1 for the cells that are wanted.
        is_lookup: which of the two counts.
        row_mask: which rows there are.
        delta: from where on the Huber loss is linear.
        weight: of the log loss against the other.
    """
    numbers = functional.huber_loss(answer.scalar, scalar, delta=delta, reduction="none") / delta
    cells = functional.binary_cross_entropy(
        answer.lookup.float().clamp(1e-6, 1 - 1e-6), lookup.float(), reduction="none"
    )
    present = row_mask[..., None].expand_as(cells)
    mean = (cells * present).sum((1, 2)) / present.sum((1, 2)).clamp_min(1)
    return torch.where(is_lookup, weight * mean.to(numbers.dtype), numbers)


def _most_likely(weights: Float[Tensor, "*any choices"]) -> Float[Tensor, "*any choices"]:
    return functional.one_hot(weights.argmax(-1), weights.shape[-1]).to(weights.dtype)
