"""What is measured, on cases by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from octavo.embedding.matryoshka import measures
from octavo.embedding.matryoshka.parts import disturbed
from octavo.embedding.matryoshka.parts.image_batches import ImageBatches, augmented, cycle, sgd
from octavo.embedding.matryoshka.vectors import letter_groups, long_tail


def test_the_nearest_vector_and_the_nearest_mean() -> None:
    vectors = torch.tensor([[1.0, 0.0, 9.0], [0.9, 0.1, 9.0], [0.0, 1.0, -9.0]])
    labels, queries = np.array([0, 0, 2]), torch.tensor([[1.0, 0.1, -9.0], [0.1, 1.0, 9.0]])
    wanted = np.array([0, 2])
    assert measures.nearest_hits(vectors, labels, queries, wanted, 2).tolist() == [True, True]
    assert measures.nearest_hits(vectors, labels, queries, wanted, 3).tolist() == [False, False]
    assert measures.mean_hits(vectors, labels, queries, wanted, 2).tolist() == [True, True]
    # Class 1 has no example, and is never the nearest.
    assert measures.mean_hits(vectors, labels, -queries, np.array([1, 1]), 2).tolist() == [False, False]


def test_the_size_of_equal_accuracy_is_within_the_curve() -> None:
    curve = {4: 0.5, 8: 0.4, 16: 0.8}
    found = [measures.size_of_equal_accuracy(curve, wanted) for wanted in (0.1, 0.5, 0.8, 0.9)]
    assert found == [4.0, 4.0, 16.0, 16.0]
    assert 8 < measures.size_of_equal_accuracy(curve, 0.6) < 16


def test_auroc_counts_pairs() -> None:
    random = np.random.default_rng(0)
    inside, outside = random.integers(5, size=30) / 4, random.integers(4, size=20) / 4
    pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in outside]
    assert measures.auroc(inside, outside) == pytest.approx(np.mean(pairs))


def test_principal_axes_hold_the_variance_first() -> None:
    vectors = torch.randn(300, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [1.0, 5.0, 0.1, 2.0]
    )
    mean, axes = measures.principal_axes(vectors + 3)
    turned = (vectors + 3 - mean) @ axes
    assert turned.var(0).tolist() == sorted(turned.var(0).tolist(), reverse=True)
    torch.testing.assert_close(axes.mT @ axes, torch.eye(4), atol=1e-5, rtol=0)
    assert abs(pearsonr(turned[:, 0], turned[:, 1]).statistic) < 1e-5
    # With fewer vectors than numbers there are still as many axes.
    assert measures.principal_axes(vectors[:2])[1].shape == (4, 4)


def test_disturbed_texts_keep_their_shape() -> None:
    texts = ["what is the balance of my account"] * 200
    assert disturbed.with_typos(texts, 0.1, seed=0) == disturbed.with_typos(texts, 0.1, seed=0)
    changed = sum(a != b for a, b in zip(texts, disturbed.with_typos(texts, 0.1, seed=1), strict=True))
    assert 150 < changed < 200
    assert all(text.count(" ") == 6 for text in disturbed.with_typos(texts, 0.0, seed=0))
    words = [len(text.split()) for text in disturbed.with_words_dropped(texts, 0.2, seed=0)]
    assert np.mean(words) == pytest.approx(0.8 * 7, abs=0.2)
    assert min(len(text.split()) for text in disturbed.with_words_dropped(["one"] * 50, 0.9, seed=0)) == 1


def test_a_long_tail_falls_geometrically() -> None:
    labels, order = np.repeat(np.arange(5), 100), np.array([3, 1, 4, 0, 2])
    kept = labels[long_tail(labels, 100, 0.01, seed=0, order=order)]
    assert [int((kept == name).sum()) for name in order] == [100, 32, 10, 3, 1]
    assert not np.array_equal(long_tail(labels, 9, 1.0, seed=0), long_tail(labels, 9, 1.0, seed=1))


def test_letter_groups_know_like_texts() -> None:
    a, b, c = letter_groups(["book a flight", "book two flights", "what is the weather"])
    assert a @ a == pytest.approx(1)
    assert a @ b > 0.4 > a @ c


class Disk:
    """Pictures on disk, as `octavo.data` gives them."""

    labels = np.array([0, 1, 0, 1])

    def read(self, row: int, size: int) -> np.ndarray:
        return np.full((size, size, 3), 10 * row, dtype=np.uint8)


def test_images_in_memory_and_on_disk_become_batches() -> None:
    class Both:
        train = np.zeros((6, 8, 8, 3), dtype=np.uint8) + 255
        train_labels = np.arange(6)
        test = Disk()

    memory, disk = ImageBatches.of(Both, "train", 4, 3), ImageBatches.of(Both, "test", 4, 100)
    assert (len(memory), len(disk)) == (3, 4)
    batch = memory[torch.tensor([2, 0])]
    assert batch["image"].shape == (2, 3, 4, 4)
    assert batch["label"].tolist() == [4, 0]
    torch.testing.assert_close(batch["image"], torch.full((2, 3, 4, 4), 2.0))
    assert disk[torch.tensor([3])]["image"].shape == (1, 3, 4, 4)


def test_augmented_images_are_shifted_and_mirrored_and_repeat() -> None:
    ramp = torch.arange(16.0).expand(64, 1, 16, 16)
    moved, again = (augmented(ramp, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(moved, again)
    steps = moved[:, 0, 8].diff(dim=1)
    rising, falling = (steps[:, 4:12] == 1).all(1), (steps[:, 4:12] == -1).all(1)
    assert (rising | falling).all()
    assert 16 < int(rising.sum()) < 48
    assert len(set(moved[rising][:, 0, 8, 8].tolist())) == 5


def test_the_recipe() -> None:
    assert [round(cycle(at), 3) for at in (0.0, 0.1, 0.2, 1.0)] == [0.0, 0.5, 1.0, 0.0]
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    decays = [group["weight_decay"] for group in sgd(layers.parameters(), 0.1).param_groups]
    assert decays == [5e-4, 0.0]
