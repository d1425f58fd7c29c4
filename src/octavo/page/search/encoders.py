"""What turns a text into a vector: MiniLM, and a static table of token vectors that is far faster.

The index stores which of them made a row's vector, its *tier*, so that a corpus is searchable on its first
day by the static one and is encoded anew, best papers first, when there is time.
"""

import hashlib
import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from octavo import data
from octavo.data.places import cache_folder
from octavo.errors import OctavoError
from octavo.page.search.vectors import DIM, FloatArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STATIC, FULL = 1, 2
"""Tiers: a row of a lower one is worth encoding again."""
MAX_TOKENS = 256


class EncoderLost(OctavoError):
    """An encoder that was there is gone; another one may be made."""

    def __init__(self) -> None:
        super().__init__("The encoder's process has ended.")


class Encoder(Protocol):
    """Texts to vectors of 384 numbers that can be compared by their angle."""

    @property
    def tier(self) -> int:
        """How good its vectors are; see `STATIC` and `FULL`."""

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384) vectors of n texts."""


class MiniLM:
    """all-MiniLM-L6-v2.

    Args:
        device: where it computes, `cuda` on a machine that has one.
        batch_size: texts at a time.
    """

    tier = FULL

    def __init__(self, device: str = "cpu", batch_size: int = 64) -> None:
        self._model: Any = data.load("minilm", device=device)
        self._model.max_seq_length = MAX_TOKENS
        self._batch_size = batch_size

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384) vectors of n texts, of length one."""
        vectors: FloatArray = self._model.encode(
            list(texts), batch_size=self._batch_size, show_progress_bar=False, normalize_embeddings=True
        )
        return vectors.astype(np.float32)


class QuickMiniLM(MiniLM):
    """all-MiniLM-L6-v2 for a reader who waits: a query alone takes half the time that `MiniLM` takes for it.

    Reading the weights is most of the work of a short text, so a query is encoded with weights of 16 bits
    where the processor multiplies them itself (cosine to the vector of 32 bits above .999); several texts,
    whose vectors are kept, are encoded as by `MiniLM`.
    """

    def __init__(self) -> None:
        import torch

        super().__init__()
        self._tokenizer = self._model.tokenizer
        self._network = self._model[0].auto_model
        if torch.cpu._is_avx512_bf16_supported():
            self._network = deepcopy(self._network).to(torch.bfloat16)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384) vectors of n texts, of length one."""
        if len(texts) != 1:
            return super().encode(texts)
        import torch

        tokens = self._tokenizer(texts[0], truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._network(**tokens).last_hidden_state[0].float().mean(dim=0)
        vector: FloatArray = (hidden / hidden.norm()).numpy()
        return vector[None]


class StaticEncoder:
    """A mean of token vectors that were distilled from another encoder.

    A token's vector is what the encoder says of the token alone, weighted by how rare it is (a / (a + p),
    Arora et al. 2017), and one linear map, fitted on a sample of texts, turns means of them towards the
    encoder's own vectors.

    Args:
        table: (tokens, 384) vectors, with weight and map inside.
        tokenizer: of the encoder it was distilled from.
        bias: added to every mean.
    """

    tier = STATIC

    def __init__(self, table: FloatArray, tokenizer: "Tokenizer", bias: FloatArray) -> None:
        self._table, self._bias = table, bias
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384) vectors of n texts."""
        found = np.empty((len(texts), DIM), np.float32)
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        for place, each in enumerate(encoded):
            found[place] = self._table[each.ids].mean(axis=0) if each.ids else 0.0
        return found + self._bias


def static_from_minilm(sample: Sequence[str], cache: Path | None = None, ridge: float = 1.0) -> StaticEncoder:
    """Distils MiniLM into a static encoder, or takes the one that was distilled from the same sample before.

    Args:
        sample: some thousand texts like those to be encoded.
        cache: the folder it is kept in; octavo's cache where it is left out.
        ridge: how strongly the map is drawn to zero.
    """
    from safetensors.numpy import load_file, save_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(data.entry("minilm").place / "tokenizer.json"))
    digest = hashlib.sha256(json.dumps([list(sample), ridge]).encode()).hexdigest()[:16]
    file = (cache or cache_folder() / "encoded") / f"static-{digest}.safetensors"
    if not file.is_file():
        tensors = _distil(sample, tokenizer, ridge)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        save_file(tensors, part)
        part.replace(file)
    kept = load_file(file)
    return StaticEncoder(kept["table"], tokenizer, kept["bias"])


def _distil(sample: Sequence[str], tokenizer: "Tokenizer", ridge: float) -> dict[str, FloatArray]:
    teacher = MiniLM(batch_size=256)
    names = [str(tokenizer.id_to_token(number)) for number in range(tokenizer.get_vocab_size())]
    table = teacher.encode([name.removeprefix("##") for name in names])
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    ids = [each.ids for each in tokenizer.encode_batch_fast(list(sample), add_special_tokens=False)]
    counts = np.bincount(np.concatenate([np.asarray(each, np.int64) for each in ids]), minlength=len(names))
    share = counts / counts.sum()
    table *= (1e-3 / (1e-3 + share))[:, None].astype(np.float32)
    means = np.stack([table[each].mean(axis=0) for each in ids])
    wanted = teacher.encode(sample)
    centre, target = means.mean(axis=0), wanted.mean(axis=0)
    spread = means - centre
    lift = ridge * np.trace(spread.T @ spread) / DIM * 0.01
    turn = np.linalg.solve(spread.T @ spread + lift * np.eye(DIM), spread.T @ (wanted - target))
    return {
        "table": np.ascontiguousarray(table @ turn, np.float32),
        "bias": np.ascontiguousarray(target - centre @ turn, np.float32),
    }


def text_of(title: str, abstract: str) -> str:
    """What of a paper is encoded.

    Example:
        >>> text_of("Attention as an\\n  RNN", "We show it.")
        'Attention as an RNN. We show it.'
    """
    return " ".join(f"{title}. {abstract}".split())
