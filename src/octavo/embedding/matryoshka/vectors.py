"""Vectors of texts beside those of a sentence encoder, and samples in which some classes are rare."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, Int
from torch import Tensor

WIDTH = 384


def letter_groups(texts: Sequence[str]) -> Float32[np.ndarray, "texts 384"]:
    """Unit vectors of hashed letter groups: what stands in for a sentence encoder where seconds count.

    Example:
        >>> letter_groups(["a query", "a query"]).shape
        (2, 384)
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=WIDTH).transform(texts)
    return np.asarray(hashed.toarray(), dtype=np.float32)


@torch.no_grad()
def hidden_means(
    language: Any, texts: Sequence[str], batch_size: int = 128
) -> Float32[Tensor, "texts hidden"]:
    """Unit vectors of texts by a language model: the mean of its last hidden states over the tokens.

    Args:
        language: has a causal `model` and its `tokenizer`, as `octavo.data.load("smollm2")` does.
        texts: what is read.
        batch_size: texts at once, those of like length together.
    """
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    model, tokenizer = language.model.model, language.tokenizer
    found = torch.empty(len(texts), model.config.hidden_size)
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        tokens = tokenizer(
            [texts[place] for place in places], padding=True, padding_side="right", return_tensors="pt"
        ).to(model.device)
        states = model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
        weights = tokens.attention_mask[:, :, None].float()
        found[places] = ((states.float() * weights).sum(1) / weights.sum(1)).cpu()
    return F.normalize(found, dim=1)


def long_tail(
    labels: Int[np.ndarray, " n"],
    most: int,
    share: float,
    *,
    seed: int,
    order: Int[np.ndarray, " classes"] | None = None,
) -> Int[np.ndarray, " kept"]:
    """Rows of a sample whose classes become rarer along a geometric series.

    Args:
        labels: a class a row.
        most: rows of the most frequent class.
        share: rows of the rarest class, as a share of `most`; 1 keeps all classes alike.
        seed: of the rows that are kept.
        order: the classes from frequent to rare.

    Example:
        >>> long_tail(np.repeat([0, 1, 2], 8), 8, 0.25, seed=0).size  # 8, 4 and 2 rows
        14
    """
    random = np.random.default_rng(seed)
    classes = np.unique(labels) if order is None else order
    kept = []
    for rank, name in enumerate(classes):
        wanted = round(most * share ** (rank / max(1, len(classes) - 1)))
        rows = np.flatnonzero(labels == name)
        kept.append(random.permutation(rows)[: max(1, wanted)])
    return np.sort(np.concatenate(kept))
