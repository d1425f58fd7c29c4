"""The tower: the same embeddings as the encoder whose layers it takes, padded or not, read once or whole."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import BertConfig, BertModel

from octavo.embedding.matryoshka.parts.text_tower import TextTower, TokenPairs

TEXTS = ("one two three", "four", "five six seven one two", "four")
NAMES = ("none", "one", "two", "three", "four", "five", "six", "seven")
WORDS = {word: place for place, word in enumerate(NAMES)}


class Encoder(list[Any]):
    """A sentence encoder of two random layers, whose tokens are words."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=8,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
        )
        super().__init__([SimpleNamespace(auto_model=BertModel(config).eval())])

    def preprocess(self, texts: list[str]) -> dict[str, Tensor]:
        rows = [torch.tensor([WORDS[word] for word in text.split()]) for text in texts]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def expected(encoder: Encoder) -> Tensor:
    """One text at a time, through the whole model."""
    with torch.no_grad():
        found = [encoder[0].auto_model(**encoder.preprocess([text])).last_hidden_state for text in TEXTS]
    return torch.stack([torch.nn.functional.normalize(states[0].mean(0), dim=0) for states in found])


@pytest.mark.parametrize("layers", [1, 2, None])
def test_equals_the_encoder(layers: int | None) -> None:
    encoder = Encoder()
    tower = TextTower(encoder, layers)
    rows = tower.read(TEXTS, batch_size=2)
    assert [len(row) for row in rows.rows] == [3, 1, 5, 1]
    torch.testing.assert_close(tower.encode(rows, batch_size=3), expected(encoder))


def test_trains_what_it_is_told_to_and_leaves_the_encoder_as_it_was() -> None:
    encoder = Encoder()
    tower, before = TextTower(encoder, 1), expected(encoder)
    names = {name.split(".")[0] for name, _ in tower.named_parameters()}
    assert names == {"layers"}
    assert {name.split(".")[0] for name, _ in TextTower(encoder, None).named_parameters()} == {
        "embeddings",
        "layers",
    }
    pairs = TokenPairs(tower.read(TEXTS[:2]), tower.read(TEXTS[2:]))
    batch = pairs[torch.tensor([1, 0])]
    assert batch["anchor"]["mask"].tolist() == [[True, False, False], [True, True, True]]
    optimizer = torch.optim.SGD(tower.parameters(), lr=0.1)
    (tower(**batch["anchor"]) - tower(**batch["positive"])).square().sum().backward()
    optimizer.step()
    assert len(pairs) == 2
    torch.testing.assert_close(expected(encoder), before)
    assert not torch.allclose(tower.encode(tower.read(TEXTS)), before)


@pytest.mark.parametrize("layers", [0, 3])
def test_refuses_layers_that_are_not_there(layers: int) -> None:
    with pytest.raises(ValueError, match="must be between 1 and 2, or None"):
        TextTower(Encoder(), layers)
