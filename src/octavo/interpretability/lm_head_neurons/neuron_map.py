"""Every neuron of a model read through its head: a searchable table, from the weights alone."""

import json
import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from scipy.stats import binomtest
from torch import Tensor, nn

from octavo.interpretability.lm_head_neurons import specialisation
from octavo.interpretability.lm_head_neurons.feed_forward import Source
from octavo.interpretability.lm_head_neurons.reader import Score
from octavo.interpretability.lm_head_neurons.reading import read_model
from octavo.interpretability.lm_head_neurons.selection import Norm
from octavo.interpretability.lm_head_neurons.tables import (
    LayerAgreement,
    Match,
    NeuronTokens,
    Reading,
    pandas,
)
from octavo.interpretability.lm_head_neurons.vocabulary import Vocabulary

FORMAT = "octavo-neuron-map-1"
COLUMNS = (
    *("source", "layer", "expert", "neuron", "sign", "token", "token_id", "score", "z", "p"),
    *("content", "one_concept", "tokens"),
)


class NeuronMap:
    """The top tokens of both signs of every feed-forward neuron, and the null that says which mean anything.

    Made by `NeuronMap.build` from a model, or by `NeuronMap.load` from a file.

    Args:
        places: layer, expert (-1 for none) and number of each neuron, a row a neuron.
        scores: of the top tokens; the second axis has the highest scores first, then the lowest.
        tokens: their ids.
        moments: mean and deviation of each neuron's scores over the vocabulary.
        null: for each source the largest absolute score of shuffled neurons.
        coherent: for each source and neuron whether the top tokens of its stronger sign are one concept.
        vocabulary: the tokens as text.
        facts: what the map was built of and how: sources, score, norm, k, model.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=12, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape))
        >>> len(NeuronMap.build(model, k=6, null=0))
        24
    """

    def __init__(
        self,
        places: Int[Tensor, "neurons three"],
        scores: Float[Tensor, "sources two neurons k"],
        tokens: Int[Tensor, "sources two neurons k"],
        moments: Float[Tensor, "two sources neurons"],
        null: Float[Tensor, "sources count"],
        coherent: Tensor,
        vocabulary: Vocabulary,
        facts: dict[str, Any],
    ) -> None:
        self.places, self.scores, self.tokens = places, scores, tokens
        self.moments, self.null, self.coherent = moments, null, coherent
        self.vocabulary, self.facts = vocabulary, facts
        self.sources: tuple[Source, ...] = tuple(facts["sources"])

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        facts = self.facts
        return (
            f"NeuronMap of {facts['model']}: {len(self):,} neurons in {len(self.layers)} layers, "
            f"{', '.join(self.sources)}, {facts['score']}, top {facts['k']} of each sign"
        )

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that were read."""
        return tuple(self.places[:, 0].unique().tolist())

    @classmethod
    def build(
        cls,
        model: nn.Module,
        tokenizer: Any = None,
        *,
        source: Source | Sequence[Source] | None = None,
        score: Score = "cosine",
        norm: Norm = "none",
        k: int = 8,
        layers: Literal["all"] | Iterable[int] = "all",
        block: int = 16_384,
        null: int = 4096,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> "NeuronMap":
        """Reads a model; nothing is run through it, and no full matrix of scores is ever held.

        Args:
            model: a causal language model of Hugging Face, on any device.
            tokenizer: its tokenizer; without one tokens are named by number, and all rows of the head count.
            source: `up` and `gate` are what a neuron reads, `down` is what it writes; all that the model has
                when left out.
            score: see `HeadReader`; `softmax` is the paper's.
            norm: `none` takes the weights as they are, `input` multiplies what is read by the gain of the
                normalisation before the block, `final` multiplies by that before the head.
            k: tokens kept of each sign; six or more tell which neurons stand for one concept.
            layers: all, or the numbers of some.
            block: tokens at once; less takes less memory, and the result is the same.
            null: shuffled neurons of each source, for `specialised`; an alpha of .001 needs a thousand.
            seed: of the shuffles.
            dtype: of the scan; winners are scored again in full precision.

        Raises:
            ValueError: the model is of no known kind, a layer or an option does not exist, or a weight is not
                a finite number.
        """
        return cls(*read_model(model, tokenizer, source, score, norm, k, layers, block, null, seed, dtype))

    def neuron(self, layer: int, neuron: int, expert: int | None = None) -> NeuronTokens:
        """What one neuron says, of every source and sign.

        Raises:
            ValueError: there is no such neuron.
        """
        row = self._row(layer, neuron, expert)
        readings = [
            Reading(
                name,
                sign,
                tuple(self.vocabulary.words[number] for number in self.tokens[s, side, row].tolist()),
                tuple(self.scores[s, side, row].tolist()),
            )
            for s, name in enumerate(self.sources)
            for side, sign in enumerate((1, -1))
        ]
        return NeuronTokens(layer, neuron, tuple(readings), expert)

    def find(
        self, concept: str, n: int = 10, *, source: Source | None = None, several: Sequence[int] = ()
    ) -> list[Match]:
        """The neurons that say a token, the strongest first.

        A neuron is credited with its own top tokens only. So a neuron that lies near all rare tokens at once
        ("dogs", "Monday", "Python") is not taken for a specialist of any, however high it scores.

        Args:
            concept: a single token; most words of a text are tokens with a space before them.
            n: at most so many.
            source: of this reading only.
            several: the ids of all tokens of a concept that is not one; their scores are added up.

        Raises:
            ValueError: the concept is not a single token.
        """
        numbers = [int(number) for number in several] or [self.vocabulary.id(concept)]
        best: dict[tuple[int, int, int], list[Match]] = {}
        for number in numbers:
            for s, side, row, rank in self._index.get(number, ()):
                if source is None or self.sources[s] == source:
                    best.setdefault((s, side, row), []).append(self._match(s, side, row, rank))
        together = [
            found[0]._replace(score=math.fsum(match.score for match in found)) if len(found) > 1 else found[0]
            for found in best.values()
        ]
        return sorted(together, key=lambda match: (-abs(match.score), match[:4]))[:n]

    def strongest(self, source: Source = "up") -> Float[Tensor, " neurons"]:
        """The largest absolute score of each neuron: the statistic that the null is of."""
        return self.scores[self._source(source), :, :, 0].abs().amax(0)

    def specialised(
        self, alpha: float = 0.001, *, source: Source | None = None, one_concept: bool = True
    ) -> Any:
        """The neurons that say one concept louder than chance, as a pandas DataFrame, the strongest first.

        Args:
            alpha: the share of shuffled neurons that would pass.
            source: of this reading only.
            one_concept: demand besides that three of the top six tokens are of one concept.

        Returns:
            Columns source, layer, expert, neuron, sign, token, token_id, score, z, p, content (whether the
            token is a content word), one_concept, tokens.

        Raises:
            ValueError: the null is too small for alpha, or fewer than three tokens of a sign were kept.
            Missing: pandas is not installed.
        """
        if one_concept and self.facts["k"] < 3:
            raise ValueError(
                f"k={self.facts['k']} tokens do not tell whether they are one concept; build with k=6"
            )
        rows: list[dict[str, Any]] = []
        for s, name in enumerate(self.sources):
            if source is not None and name != source:
                continue
            strength = self.strongest(name)
            passed = strength > specialisation.threshold(self.null[s], alpha)
            if one_concept:
                passed &= self.coherent[s]
            p = specialisation.p_values(strength, self.null[s])
            for row in passed.nonzero()[:, 0].tolist():
                side = int(self.scores[s, 1, row, 0].abs() > self.scores[s, 0, row, 0].abs())
                match = self._match(s, side, row, 0)
                token = int(self.tokens[s, side, row, 0])
                rows.append(
                    {
                        "source": name,
                        "layer": match.layer,
                        "expert": match.expert,
                        "neuron": match.neuron,
                        "sign": match.sign,
                        "token": self.vocabulary.words[token],
                        "token_id": token,
                        "score": match.score,
                        "z": match.z,
                        "p": float(p[row]),
                        "content": bool(self.vocabulary.content[token]),
                        "one_concept": bool(self.coherent[s, row]),
                        "tokens": [self.vocabulary.words[t] for t in self.tokens[s, side, row].tolist()],
                    }
                )
        rows.sort(key=lambda row: -abs(row["score"]))
        return pandas().DataFrame(rows, columns=list(COLUMNS))

    def compare(
        self, other: "NeuronMap", *, sign: Literal["positive", "strongest"] = "positive"
    ) -> list[LayerAgreement]:
        """The share of neurons whose top token is the same in another map, layer by layer.

        Args:
            other: of a model of the same shape, such as the base of an instructed one.
            sign: the top token of the highest scores, as in the paper, or of the stronger sign.

        Returns:
            For each source a row for all layers, then one a layer.

        Raises:
            ValueError: the maps do not have the same neurons and tokens.
        """
        found = []
        for name in self.sources:
            same = self.same_top(other, name, sign=sign)
            for layer in (None, *self.layers):
                some = same if layer is None else same[self.places[:, 0] == layer]
                found.append(LayerAgreement(name, layer, *_share(some), len(some)))
        return found

    def same_top(
        self,
        other: "NeuronMap",
        source: Source = "up",
        *,
        sign: Literal["positive", "strongest"] = "positive",
    ) -> Bool[Tensor, " neurons"]:
        """For each neuron whether its top token is the same in another map; see `compare`.

        Raises:
            ValueError: the maps do not have the same neurons and tokens.
        """
        if not torch.equal(self.places, other.places) or self.sources != other.sources:
            raise ValueError(
                f"only maps of the same neurons can be compared: {self!r} has layers {self.layers}, "
                f"{other!r} has layers {other.layers}"
            )
        if self.vocabulary.words != other.vocabulary.words:
            raise ValueError("the maps have different vocabularies, so a token has no counterpart")
        s = self._source(source)
        return self._top(s, sign) == other._top(s, sign)

    def to_dataframe(self) -> Any:
        """All readings as a pandas DataFrame: a row a neuron, source, sign and rank.

        Raises:
            Missing: pandas is not installed.
        """
        s, side, row, rank = (axis.ravel() for axis in np.indices(tuple(self.tokens.shape)))
        ids = self.tokens.numpy().ravel()
        places = self.places.numpy()[row]
        return pandas().DataFrame(
            {
                "source": np.array(self.sources)[s],
                "layer": places[:, 0],
                "expert": places[:, 1],
                "neuron": places[:, 2],
                "sign": 1 - 2 * side,
                "rank": rank,
                "token_id": ids,
                "token": np.array(self.vocabulary.words, dtype=object)[ids],
                "score": self.scores.numpy().ravel(),
            }
        )

    def save(self, path: str | Path) -> None:
        """Writes the map as safetensors, with its vocabulary, so that it can be browsed without the model."""
        words = np.frombuffer(json.dumps(self.vocabulary.words).encode(), dtype=np.uint8)
        tensors = {name: getattr(self, name).contiguous() for name in _TENSORS}
        tensors["vocabulary"] = torch.from_numpy(words.copy())
        save_file(tensors, str(path), {"format": FORMAT, "facts": json.dumps(self.facts)})

    @classmethod
    def load(cls, path: str | Path) -> "NeuronMap":
        """Reads a map that was saved.

        Raises:
            ValueError: the file is not a map.
        """
        try:
            with safe_open(str(path), "pt") as file:
                about = file.metadata() or {}
                if about.get("format") != FORMAT:
                    raise ValueError(f"{path} is no map of neurons; NeuronMap.save writes one")
                tensors = {name: file.get_tensor(name) for name in (*_TENSORS, "vocabulary")}
        except SafetensorError as error:
            raise ValueError(f"{path} is not a safetensors file ({error}); was it cut short?") from error
        words = json.loads(tensors.pop("vocabulary").numpy().tobytes().decode())
        return cls(**tensors, vocabulary=Vocabulary(words), facts=json.loads(about["facts"]))

    @cached_property
    def _rows(self) -> dict[tuple[int, int, int], int]:
        return {tuple(place): row for row, place in enumerate(self.places.tolist())}

    @cached_property
    def _index(self) -> dict[int, list[tuple[int, int, int, int]]]:
        """From a token to its places in the table: source, side, neuron and rank."""
        index: dict[int, list[tuple[int, int, int, int]]] = {}
        order = self.tokens.flatten().argsort(stable=True)
        where = np.stack(np.unravel_index(order.numpy(), tuple(self.tokens.shape)), axis=1)
        numbers, starts = np.unique(self.tokens.flatten()[order].numpy(), return_index=True)
        for number, some in zip(numbers.tolist(), np.split(where, starts[1:]), strict=True):
            index[number] = [tuple(place) for place in some.tolist()]
        return index

    def _row(self, layer: int, neuron: int, expert: int | None) -> int:
        row = self._rows.get((layer, -1 if expert is None else expert, neuron))
        if row is None:
            inside = self.places[self.places[:, 0] == layer]
            if not len(inside):
                raise ValueError(f"the map has no layer {layer}; it has {_range(self.layers)}")
            experts = sorted(set(inside[:, 1].tolist()) - {-1})
            told = f" of experts {_range(experts)}" if experts else ""
            whose = "" if expert is None else f" of expert {expert}"
            raise ValueError(
                f"layer {layer} has no neuron {neuron}{whose}; it has 0 to {int(inside[:, 2].max())}{told}"
            )
        return row

    def _match(self, s: int, side: int, row: int, rank: int) -> Match:
        layer, expert, neuron = self.places[row].tolist()
        score = float(self.scores[s, side, row, rank])
        mean, deviation = self.moments[:, s, row].tolist()
        z = (score - mean) / deviation if self.facts["score"] != "softmax" else math.nan
        return Match(
            layer, neuron, self.sources[s], 1 - 2 * side, score, z, rank, None if expert < 0 else expert
        )

    def _source(self, source: Source) -> int:
        if source not in self.sources:
            raise ValueError(f"the map has no source {source!r}; it was built with {', '.join(self.sources)}")
        return self.sources.index(source)

    def _top(self, s: int, sign: str) -> Int[Tensor, " neurons"]:
        positive, negative = self.tokens[s, 0, :, 0], self.tokens[s, 1, :, 0]
        if sign == "positive":
            return positive
        return torch.where(self.scores[s, 1, :, 0].abs() > self.scores[s, 0, :, 0].abs(), negative, positive)


_TENSORS = ("places", "scores", "tokens", "moments", "null", "coherent")


def _share(same: Bool[Tensor, " neurons"]) -> tuple[float, float, float]:
    """A share with Wilson's interval of 95 %."""
    counted = binomtest(int(same.sum()), len(same))
    interval = counted.proportion_ci(method="wilson")
    return counted.statistic, interval.low, interval.high


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    if len(numbers) == high - low + 1:
        return f"{low} to {high}"
    return ", ".join(map(str, numbers))
