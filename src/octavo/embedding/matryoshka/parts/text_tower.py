"""A sentence encoder that is trained from its upper layers, so that the lower ones read each text once."""

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from octavo.embedding.matryoshka.dims import truncate


class TokenRows:
    """Texts as a training reads them: token ids, or the hidden states that frozen layers made of them.

    Args:
        rows: ``(tokens)`` or ``(tokens, hidden)``, one a text.
    """

    def __init__(self, rows: Sequence[Tensor]) -> None:
        self.rows = list(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Int[Tensor, " batch"]) -> dict[str, Tensor]:
        """A batch, padded to its longest text: `inputs`, and `mask` that is true on tokens."""
        some = [self.rows[place] for place in indices.tolist()]
        lengths = torch.tensor([len(row) for row in some])
        inputs = pad_sequence(some, batch_first=True)
        return {"inputs": inputs, "mask": torch.arange(inputs.shape[1]) < lengths[:, None]}

    def batches(self, size: int) -> list[Int[Tensor, " batch"]]:
        """Indices of all texts, those of like length together, so that little is padded."""
        return list(torch.tensor([len(row) for row in self.rows]).argsort(stable=True).split(size))


class TokenPairs:
    """Pairs of texts: a batch holds `anchor` and `positive`, each as of `TokenRows`."""

    def __init__(self, anchors: TokenRows, positives: TokenRows) -> None:
        self.anchors, self.positives = anchors, positives

    def __len__(self) -> int:
        return len(self.anchors)

    def __getitem__(self, indices: Int[Tensor, " batch"]) -> dict[str, dict[str, Tensor]]:
        return {"anchor": self.anchors[indices], "positive": self.positives[indices]}


class TextTower(nn.Module):
    """The upper layers of a BERT sentence encoder, or all of it; the mean over tokens is the embedding.

    Args:
        encoder: a `SentenceTransformer` of a BERT with mean pooling, as all-MiniLM-L6-v2 is. It is copied.
        layers: how many of its upper layers are trained; None trains all of it, the embedding of tokens too.

    Shape:
        ``(batch, tokens, hidden)`` hidden states, or ``(batch, tokens)`` ids where all is trained
        ->  ``(batch, hidden)``, not normalised.

    Raises:
        ValueError: the encoder has fewer layers than `layers`, or that is not positive.

    Example:
        >>> tower = TextTower(data.load("minilm"), layers=2)  # doctest: +SKIP
        >>> tower.encode(tower.read(["a sentence", "another"])).shape  # doctest: +SKIP
        torch.Size([2, 384])
    """

    def __init__(self, encoder: Any, layers: int | None) -> None:
        super().__init__()
        bert = encoder[0].auto_model
        depth = len(bert.encoder.layer)
        if layers is not None and not 1 <= layers <= depth:
            raise ValueError(f"layers={layers} must be between 1 and {depth}, or None for all of the encoder")
        self._tokenize = getattr(encoder, "preprocess", None) or encoder.tokenize
        # The frozen part is no parameter of the tower: in a list, modules are not registered.
        self._frozen: list[Any] = [] if layers is None else [bert.embeddings, *bert.encoder.layer[:-layers]]
        self.embeddings = copy.deepcopy(bert.embeddings) if layers is None else None
        self.layers = copy.deepcopy(bert.encoder.layer[-(layers or depth) :])

    @property
    def width(self) -> int:
        """Size of an embedding."""
        return cast(int, self.layers[0].output.dense.out_features)

    @torch.no_grad()
    def read(self, texts: Sequence[str], batch_size: int = 64) -> TokenRows:
        """What the trained layers start from: the frozen ones are run here, once."""
        # A text that comes twice is read once, and texts of like length together.
        different = sorted(dict.fromkeys(texts), key=len)
        rows: dict[str, Tensor] = {}
        for start in range(0, len(different), batch_size):
            some = different[start : start + batch_size]
            tokens = self._tokenize(some)
            states, mask = tokens["input_ids"].cpu(), tokens["attention_mask"].bool().cpu()
            for place, frozen in enumerate(self._frozen):
                device = next(frozen.parameters()).device
                states, mask = states.to(device), mask.to(device)
                states = (
                    frozen(states) if place == 0 else frozen(states, attention_mask=additive(mask, states))
                )
            for text, row, length in zip(some, states.cpu(), mask.sum(1).tolist(), strict=True):
                rows[text] = row[:length].clone()
        return TokenRows([rows[text] for text in texts])

    def forward(
        self, inputs: Float[Tensor, "batch tokens hidden"] | Int[Tensor, "batch tokens"], mask: Tensor
    ) -> Float[Tensor, "batch hidden"]:
        """Embeddings of a padded batch."""
        states = inputs if self.embeddings is None else self.embeddings(inputs)
        hidden = additive(mask, states)
        for layer in self.layers:
            states = layer(states, attention_mask=hidden)
        weights = mask[:, :, None].to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp_min(1)

    @torch.no_grad()
    def encode(self, rows: TokenRows, batch_size: int = 128) -> Float[Tensor, "texts hidden"]:
        """Unit embeddings of all rows, in their order."""
        training, device = self.training, next(self.parameters()).device
        self.eval()
        found = torch.empty(len(rows), self.width)
        for some in rows.batches(batch_size):
            batch = rows[some]
            found[some] = self(batch["inputs"].to(device), batch["mask"].to(device)).cpu()
        self.train(training)
        return truncate(found, self.width)


def additive(mask: Bool[Tensor, "batch tokens"], like: Tensor) -> Float[Tensor, "batch 1 1 tokens"]:
    """A mask as attention adds it: 0 on tokens, the least number beside them.

    Example:
        >>> additive(torch.tensor([[True, False]]), torch.zeros(1))[0, 0, 0, 0]
        tensor(0.)
    """
    least = torch.finfo(like.dtype).min
    return torch.zeros(mask.shape, dtype=like.dtype, device=mask.device).masked_fill(~mask, least)[
        :, None, None
    ]
