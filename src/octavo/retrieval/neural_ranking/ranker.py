"""The interface of all neural rankers: f(s, t) = g(psi(s), phi(t), eta(s, t)), section 4 of the survey."""

import inspect
import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from octavo.retrieval.neural_ranking.heuristics import BM25
from octavo.retrieval.neural_ranking.text import Vocabulary

Ranked = list[tuple[int, float]]
"""Documents by their place in the given list, best first, with their scores."""
OnEmpty = Literal["raise", "bm25"]


class TextRanker(nn.Module, ABC):
    """Whatever scores texts for a query; `rank` is what rerankers of other libraries call.

    Shape:
        None: texts go in.

    Example:
        >>> class Shortest(TextRanker):
        ...     def scores(self, query, docs):
        ...         return torch.tensor([-float(len(text)) for text in docs])
        >>> Shortest().rank("any", ["long text", "text"])
        [(1, -4.0), (0, -9.0)]
    """

    @abstractmethod
    def scores(self, query: str, docs: Sequence[str]) -> Float[Tensor, " docs"]:
        """The score of each document for a query."""

    def rank(
        self, query: str, docs: Sequence[str], top_k: int | None = None, on_empty: OnEmpty = "raise"
    ) -> Ranked:
        """Documents by their score, best first; equal ones in the order in which they came.

        Args:
            query: what is asked.
            docs: the candidates.
            top_k: how many are returned; all by default.
            on_empty: what to do with a query of which no word is left: raise, or rank by BM25.

        Raises:
            ValueError: there is no document, the query is empty, or `top_k` is more than there are.
        """
        if not docs:
            raise ValueError(f"there is no document to rank for the query {query!r}")
        if top_k is not None and not 0 < top_k <= len(docs):
            raise ValueError(f"top_k={top_k} of {len(docs)} documents cannot be returned")
        if self.is_empty(query):
            if on_empty == "raise":
                raise ValueError(f"no word of the query {query!r} is known; on_empty='bm25' ranks by BM25")
            warnings.warn("a query has no word that the model knows: BM25 ranks instead", stacklevel=2)
            scores = torch.from_numpy(BM25(docs).scores(query))
        else:
            with torch.no_grad():
                scores = self.scores(query, docs)
        order = torch.sort(scores, descending=True, stable=True).indices[:top_k].tolist()
        return [(place, float(scores[place])) for place in order]

    def is_empty(self, query: str) -> bool:
        """Whether nothing of the query is left for this ranker."""
        return not query.strip()


class WordPairs(NamedTuple):
    """Queries beside documents as word ids, 0 for padding: what every model reads.

    Args:
        query, docs: word ids.
        query_mask, doc_mask: where words are.
        idf: how rare each word of a query is.
    """

    query: Int[Tensor, "batch q"]
    docs: Int[Tensor, "batch d"]
    query_mask: Bool[Tensor, "batch q"]
    doc_mask: Bool[Tensor, "batch d"]
    idf: Float[Tensor, "batch q"]

    @property
    def texts(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """All but the frequencies."""
        return self[:4]


class Ranker(TextRanker):
    """A neural ranker of texts as word ids; every model of the survey is a subclass.

    What a constructor is given is remembered, so that `save_pretrained` can write it.

    Args:
        tensors: what the model is built on, such as word vectors, by the name of the argument.
        vocabulary: from words to ids; needed to rank texts.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` of word ids, 0 for padding -> ``(batch)``.

    Raises:
        ValueError: the tensors do not fit the vocabulary, or hold what is no number.

    Example:
        >>> from octavo.retrieval import KNRM
        >>> isinstance(KNRM(torch.randn(20, 8)), Ranker)
        True

    Paper: arXiv 1903.06902, section 4.
    """

    word_idf: Tensor
    _options: dict[str, Any]

    def __new__(cls, *given: Any, **named: Any) -> Self:
        """Remember the plain arguments."""
        model = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind_partial(model, *given, **named)
        bound.apply_defaults()
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in list(bound.arguments.items())[1:]
            if name != "vocabulary" and not isinstance(value, Tensor)
        }
        object.__setattr__(model, "_options", plain)
        return model

    def __init__(self, tensors: Mapping[str, Tensor], vocabulary: Vocabulary | None = None) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            if tensor.ndim != 2:
                raise ValueError(f"{name} has a row for each word, (words, size); got {tuple(tensor.shape)}")
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise ValueError(f"{name} holds a value that is no number")
            if vocabulary is not None and len(tensor) != len(vocabulary):
                raise ValueError(f"{name} has {len(tensor)} rows; the vocabulary has {len(vocabulary)} words")
        self._shapes = {name: (list(tensor.shape), str(tensor.dtype)) for name, tensor in tensors.items()}
        self.vocabulary = vocabulary
        words = len(next(iter(tensors.values())))
        idf = vocabulary.idf if vocabulary is not None else torch.ones(words)
        self.register_buffer("word_idf", idf.clone())

    def forward(
        self,
        query: Int[Tensor, "batch q"],
        docs: Int[Tensor, "batch d"],
        query_mask: Bool[Tensor, "batch q"] | None = None,
        doc_mask: Bool[Tensor, "batch d"] | None = None,
        idf: Float[Tensor, "batch q"] | None = None,
    ) -> Float[Tensor, " batch"]:
        """The score of each pair.

        Args:
            query, docs: word ids.
            query_mask, doc_mask: where words are; by default where the id is not 0.
            idf: of the query's words; by default those of the vocabulary.
        """
        query_mask = query != 0 if query_mask is None else query_mask
        doc_mask = docs != 0 if doc_mask is None else doc_mask
        idf = self.word_idf[query] if idf is None else idf
        return self.pairs(WordPairs(query, docs, query_mask, doc_mask, idf))

    @abstractmethod
    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:
        """What a model defines: the score of each pair."""

    def of_query(
        self,
        query: Int[Tensor, " q"],
        docs: Int[Tensor, "docs d"],
        idf: Float[Tensor, " q"] | None = None,
    ) -> Float[Tensor, " docs"]:
        """The scores of documents for one query; models that can share its work do so."""
        idf = self.word_idf[query] if idf is None else idf
        scores: Tensor = self(query.expand(len(docs), -1), docs, idf=idf.expand(len(docs), -1))
        return scores

    def scores(self, query: str, docs: Sequence[str]) -> Float[Tensor, " docs"]:
        """The score of each document for a query, both as text.

        Raises:
            ValueError: the model has no vocabulary, or a document has no word that it knows.
        """
        vocabulary = self._known()
        ids, mask = vocabulary.batch(docs)
        if not (real := mask.any(1)).all():
            place = int((~real).nonzero()[0, 0])
            raise ValueError(f"document {place} has no word that the model knows: {docs[place]!r:.80}")
        device = self.word_idf.device
        asked = torch.tensor(vocabulary.encode(query), device=device)
        return torch.cat([self.of_query(asked, some.to(device)) for some in ids.split(1024)]).float().cpu()

    def is_empty(self, query: str) -> bool:
        """Whether no word of the query is in the vocabulary."""
        return not self._known().encode(query)

    def _known(self) -> Vocabulary:
        if self.vocabulary is None:
            name = type(self).__name__
            raise ValueError(f"{name} ranks texts only with a vocabulary: {name}(..., vocabulary=vocabulary)")
        return self.vocabulary

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json, model.safetensors and vocab.txt into a folder.

        Args:
            folder: made where it is not there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model": type(self).__name__, "options": self._options, "tensors": self._shapes}
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, folder / "model.safetensors")
        if self.vocabulary is not None:
            self.vocabulary.save(folder / "vocab.txt")

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Read a model that `save_pretrained` wrote.

        Args:
            folder: of the three files.

        Raises:
            ValueError: another model lies there.
        """
        folder = Path(folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kinds = {cls.__name__: cls, **{each.__name__: each for each in _all_below(cls)}}
        if config["model"] not in kinds:
            raise ValueError(f"{folder} holds a {config['model']}, not a {cls.__name__}")
        state = load_file(folder / "model.safetensors")
        tensors = {
            name: torch.zeros(shape, dtype=getattr(torch, dtype.removeprefix("torch.")))
            for name, (shape, dtype) in config["tensors"].items()
        }
        words = folder / "vocab.txt"
        vocabulary = Vocabulary.load(words, state["word_idf"]) if words.is_file() else None
        build: Any = kinds[config["model"]]
        model: Self = build(**tensors, **config["options"], vocabulary=vocabulary)
        model.load_state_dict(state)
        return model


class TwoTowers(Ranker):
    """A representation-focused ranker: a vector of each text, and what compares two vectors.

    Documents may be made vectors of before there is a query.

    Shape:
        ``query (batch, q)``, ``docs (batch, d)`` -> ``(batch)``.

    Paper: arXiv 1903.06902, section 4.2.
    """

    @abstractmethod
    def texts(
        self, ids: Int[Tensor, "batch words"], mask: Bool[Tensor, "batch words"], side: int
    ) -> Float[Tensor, "batch out"]:
        """The vector of a text, by the tower of the query (0) or the document (1)."""

    @abstractmethod
    def compare(
        self, asked: Float[Tensor, "*queries out"], told: Float[Tensor, "*docs out"]
    ) -> Float[Tensor, "..."]:
        """The scores of vectors of queries and of documents, whose other axes are broadcast."""

    def pairs(self, words: WordPairs) -> Float[Tensor, " batch"]:  # noqa: D102
        asked = self.texts(words.query, words.query_mask, 0)
        return self.compare(asked, self.texts(words.docs, words.doc_mask, 1))


def _all_below(cls: type) -> list[type]:
    below: list[type] = cls.__subclasses__()
    return [one for each in below for one in (each, *_all_below(each))]
