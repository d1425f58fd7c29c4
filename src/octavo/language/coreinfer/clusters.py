"""Clusters of texts by their core neurons: what predicts the core of a prompt too short to show its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.neurons import Rule, core_size, sentence_core
from octavo.language.coreinfer.watching import tallies_of

FEWEST, MOST = 4, 12


@dataclass(frozen=True)
class CoreClusters:
    """Clusters of texts, each with how often every neuron is core and what it holds on average.

    Args:
        frequency: the share of a cluster's texts that have a neuron in their core; the centroid of k-means.
        means: mean activations.
        sizes: texts of each cluster.
        layers: which layers.
        keep, token_share, rule: how the cores of the texts were chosen.

    Example:
        >>> frequency = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
        >>> clusters = CoreClusters(frequency, frequency, torch.tensor([1, 3]), (0,))
        >>> clusters.nearest(torch.tensor([[[0.0, 1.0]]])), clusters.pooled()[0]
        (tensor([1]), tensor([[0.2500, 0.7500]]))

    Paper: section 4.2, similarity-guided prediction.
    """

    frequency: Float[Tensor, "clusters layers neurons"]
    means: Float[Tensor, "clusters layers neurons"]
    sizes: Int[Tensor, " clusters"]
    layers: tuple[int, ...]
    keep: float = 0.4
    token_share: float = 0.4
    rule: Rule = "abs"

    def nearest(self, cores: Float[Tensor, "batch layers neurons"]) -> Int[Tensor, " batch"]:
        """The cluster whose centroid is nearest to each text's core, given as ones and zeros."""
        # The norm of the core itself is the same for all centroids.
        squares = self.frequency.square().sum((1, 2))
        cross = torch.einsum("b l n, c l n -> b c", cores.to(self.frequency), self.frequency)
        return (squares - 2 * cross).argmin(1)

    def pooled(self) -> tuple[Float[Tensor, "layers neurons"], Float[Tensor, "layers neurons"]]:
        """Frequencies and mean activations over all texts: the core of no text in particular."""
        weights = (self.sizes / self.sizes.sum()).to(self.frequency)
        return (
            torch.einsum("c, c l n -> l n", weights, self.frequency),
            torch.einsum("c, c l n -> l n", weights, self.means),
        )

    def save(self, path: str | Path) -> None:
        """Writes safetensors, with the rest as JSON beside it.

        Args:
            path: ending in `.safetensors`.
        """
        path = Path(path)
        save_file({"frequency": self.frequency, "means": self.means, "sizes": self.sizes}, path)
        facts = {"layers": self.layers, "keep": self.keep, "token_share": self.token_share, "rule": self.rule}
        path.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "CoreClusters":
        """Reads what `save` wrote."""
        path = Path(path)
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        kept = load_file(path)
        return cls(
            kept["frequency"],
            kept["means"],
            kept["sizes"],
            tuple(facts["layers"]),
            facts["keep"],
            facts["token_share"],
            facts["rule"],
        )

    def to(self, device: torch.device | str) -> "CoreClusters":
        """The same on another device."""
        parts = (self.frequency.to(device), self.means.to(device), self.sizes.to(device))
        return CoreClusters(*parts, self.layers, self.keep, self.token_share, self.rule)


@torch.no_grad()
def fit_clusters(
    model: nn.Module,
    texts: Sequence[str] | Sequence[Int[Tensor, " tokens"]],
    k: int | None = None,
    *,
    tokenizer: Any = None,
    keep: float = 0.4,
    token_share: float = 0.4,
    rule: Rule = "abs",
    max_tokens: int = 128,
    seed: int = 0,
) -> CoreClusters:
    """Clusters texts by the core neurons that they have in all layers, with k-means.

    Args:
        model: a causal language model with feed-forward blocks of one width.
        texts: strings, or the ids of their tokens.
        k: how many clusters; None looks for the elbow among 4 to 12; 1 gives one core for all texts.
        tokenizer: for strings.
        keep, token_share, rule: as in `core_neurons`.
        max_tokens: of a text that are read.
        seed: of k-means.

    Raises:
        ValueError: fewer texts than clusters, an empty text, or strings without a tokenizer.

    Example:
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> shape = dict(hidden_size=8, intermediate_size=32, num_attention_heads=2)
        >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=2, **shape)).eval()
        >>> texts = list(torch.randint(32, (10, 12), generator=torch.Generator().manual_seed(0)))
        >>> fit_clusters(model, texts, k=2).frequency.shape
        torch.Size([2, 2, 32])

    Paper: section 4.2.
    """
    if k is not None and k < 1:
        raise ValueError(f"k={k} is no number of clusters")
    if len(texts) < (k or FEWEST):
        raise ValueError(f"{len(texts)} texts do not make {k or FEWEST} clusters; give more, or a smaller k")
    blocks = blocks_of(model)
    cores: list[Tensor] = []
    means: list[Tensor] = []
    for text in texts:
        ids = text if isinstance(text, Tensor) else _encoded(tokenizer, text)
        if not ids.numel():
            raise ValueError(f"text {len(cores)} has no tokens; leave empty texts out")
        ids = ids[:max_tokens][None].to(next(model.parameters()).device)
        tallies = tallies_of(model, blocks, ids, rule=rule, token_share=token_share)
        row = []
        for block in blocks:
            scores = tallies[block.layer].scores(block.down_norms())
            row.append(multi_hot(sentence_core(scores, core_size(block.neurons, keep)), block.neurons))
        cores.append(torch.cat(row))
        means.append(torch.cat([tallies[block.layer].mean() for block in blocks]))
    members, mean = torch.stack(cores), torch.stack(means)
    labels = torch.as_tensor(_labels(members.flatten(1).cpu().numpy(), k, seed), device=members.device)
    count = int(labels.max()) + 1
    sizes = torch.bincount(labels, minlength=count)
    frequency = torch.stack([members[labels == number].mean(0) for number in range(count)])
    average = torch.stack([mean[labels == number].mean(0) for number in range(count)])
    layers = tuple(block.layer for block in blocks)
    return CoreClusters(frequency, average, sizes, layers, keep, token_share, rule)


def multi_hot(core: Int[Tensor, "*batch core"], neurons: int) -> Float[Tensor, "*batch neurons"]:
    """Ones where the core is.

    Example:
        >>> multi_hot(torch.tensor([0, 2]), 4)
        tensor([1., 0., 1., 0.])
    """
    empty = torch.zeros(*core.shape[:-1], neurons, device=core.device)
    return empty.scatter(-1, core, 1.0)


def elbow(inertias: Sequence[float]) -> int:
    """The place where a falling curve bends most: the farthest below the line between its ends.

    Example:
        >>> elbow([10.0, 4.0, 3.0, 2.0])
        1
    """
    curve = np.asarray(inertias)
    line = np.linspace(curve[0], curve[-1], len(curve))
    return int((line - curve).argmax())


def _encoded(tokenizer: Any, text: str) -> Tensor:
    if tokenizer is None:
        raise ValueError("strings need a tokenizer: fit_clusters(model, texts, tokenizer=tokenizer)")
    return torch.tensor(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


def _labels(members: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    tried = [k] if k else list(range(FEWEST, min(MOST, len(members)) + 1))
    fits = [KMeans(number, n_init=2, random_state=seed).fit(members) for number in tried]
    best = fits[elbow([fit.inertia_ for fit in fits])] if len(fits) > 2 else fits[0]
    # Clusters without members, as of equal texts, are left out.
    _, labels = np.unique(best.labels_, return_inverse=True)
    return np.asarray(labels)
