"""The models equal the formulas, whatever the padding, and refuse what they cannot serve."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from einops import rearrange
from torch import nn

from octavo.retrieval import DRMM, KNRM, BiEncoder, ConvKNRM, MatchPyramid, Ranker, Vocabulary
from octavo.retrieval.neural_ranking.image_models import PACRR
from octavo.retrieval.neural_ranking.kernels import kernel_centres, kernel_sums

from . import reference
from .furniture import EXAMPLES

QUERIES = [[3, 4, 5, 6], [7, 8]]
DOCS = [[3, 9, 9, 12, 13, 14, 4], [20, 21, 7, 22]]


def vectors() -> torch.Tensor:
    return torch.randn(30, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def padded(rows: list[list[int]], more: int = 0) -> torch.Tensor:
    longest = max(map(len, rows)) + more
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


def filled(model: nn.Module) -> nn.Module:
    """Weights that no initialisation hides."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3)
    return model.double().eval()


def test_kernels_are_those_of_the_paper() -> None:
    means, widths = kernel_centres(11)
    assert list(means) == pytest.approx(reference.KNRM_MEANS)
    assert list(widths) == pytest.approx(reference.KNRM_WIDTHS)


@pytest.mark.parametrize("number", [2, 5, 11, 21])
def test_kernel_sums_equal_the_exponentials(number: int) -> None:
    means, widths = kernel_centres(number)
    similarity = torch.rand(3, 4, 300, generator=torch.Generator().manual_seed(0)) * 2 - 1
    similarity[0, 0, :3] = torch.tensor([1.0, -1.0, 0.0])
    mask = (torch.arange(300) < 250).float()[None, None]
    exact = similarity.double()[..., None]
    expected = torch.exp(-((exact - torch.tensor(means)) ** 2) / (2 * torch.tensor(widths) ** 2))
    expected = (expected * mask[..., None]).sum(2)
    found = kernel_sums(similarity, mask, means, widths)
    torch.testing.assert_close(found.double(), expected, rtol=2e-5, atol=1e-8)


def test_knrm_equals_the_double_loop() -> None:
    model = filled(KNRM(vectors()))
    expected = [
        reference.knrm(q, d, vectors(), model.linear.weight[0], float(model.linear.bias))
        for q, d in zip(QUERIES, DOCS, strict=True)
    ]
    found = model(padded(QUERIES), padded(DOCS))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_conv_knrm_equals_the_double_loop() -> None:
    model = filled(ConvKNRM(vectors(), filters=5))
    layers = [
        (rearrange(each.weight, "(n out) size -> n out size", n=each.width), each.bias)
        for each in model.phrases
    ]
    expected = [
        reference.conv_knrm(q, d, vectors(), layers, model.linear.weight[0], float(model.linear.bias))
        for q, d in zip(QUERIES, DOCS, strict=True)
    ]
    found = model(padded(QUERIES), padded(DOCS))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_drmm_equals_the_double_loop() -> None:
    model = filled(DRMM(vectors()))
    idf = torch.rand(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    layers = [(model.match[place].weight, model.match[place].bias) for place in (0, 2)]
    expected = [
        reference.drmm(q, d, vectors(), layers, idf[row, : len(q)].tolist(), float(model.weight))
        for row, (q, d) in enumerate(zip(QUERIES, DOCS, strict=True))
    ]
    found = model(padded(QUERIES), padded(DOCS), idf=idf)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_padding_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    model, inputs = EXAMPLES[name]()
    model.double().eval()
    expected = model(**inputs)
    longer = {
        "query": nn.functional.pad(inputs["query"], (0, 3)),
        "docs": nn.functional.pad(inputs["docs"], (0, 5)),
        "idf": nn.functional.pad(inputs["idf"], (0, 3)),
    }
    torch.testing.assert_close(model(**longer), expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_documents_that_change_places_change_scores_with_them(name: str) -> None:
    torch.manual_seed(0)
    model, inputs = EXAMPLES[name]()
    model.double().eval()
    query = inputs["query"][:1, :3]
    together = model.of_query(query[0], inputs["docs"])
    torch.testing.assert_close(model.of_query(query[0], inputs["docs"].flip(0)), together.flip(0))
    pairs = model(query.expand(3, -1), inputs["docs"])
    torch.testing.assert_close(together, pairs, atol=1e-6, rtol=1e-6)


def test_one_compiled_graph_serves_all_lengths() -> None:
    torch.manual_seed(0)
    model, inputs = EXAMPLES["MatchPyramid"]()
    torch.compiler.reset()
    compiled = torch.compile(model.eval(), dynamic=True, backend="eager", fullgraph=True)
    longer = {name: nn.functional.pad(ids[:2], (0, 5)) for name, ids in inputs.items()}
    with torch.compiler.set_stance("default"):
        torch.testing.assert_close(compiled(**inputs), model(**inputs))
    with torch.compiler.set_stance("fail_on_recompile"):
        torch.testing.assert_close(compiled(**longer), model(**longer))


@pytest.mark.parametrize("kind", [KNRM, DRMM])
def test_order_of_the_query_does_not_matter(kind: Callable[..., Ranker]) -> None:
    model = filled(kind(vectors()))
    query, docs = torch.tensor([[3, 4, 5]]), torch.tensor([DOCS[0]])
    torch.testing.assert_close(model(query, docs), model(query.flip(1), docs))


@pytest.mark.parametrize("kind", [KNRM, MatchPyramid, PACRR])
def test_gradients_in_float64(kind: Callable[..., Ranker]) -> None:
    options = (
        {} if kind is KNRM else {"hidden": 2, **({"maps": 2} if kind is MatchPyramid else {"filters": 2})}
    )
    model = filled(kind(torch.rand(8, 3, dtype=torch.float64) - 0.5, freeze=False, **options))
    query, docs = torch.tensor([[1, 2, 0]]), torch.tensor([[3, 1, 4, 5]])
    table = model.vectors.detach().clone().requires_grad_()

    def score(table: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(model, {"vectors": table}, (query, docs))

    assert torch.autograd.gradcheck(score, table)


def test_autocast_keeps_kernels_in_float32() -> None:
    model = KNRM(vectors().float())
    query, docs = padded(QUERIES), padded(DOCS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = model.features(query, docs, query != 0, docs != 0)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, model.features(query, docs, query != 0, docs != 0))


def test_zero_vectors_have_cosine_0() -> None:
    table = vectors()
    table[9] = 0
    model = KNRM(table)
    ids, there = torch.tensor([[9, 3]]), torch.ones(1, 2, dtype=torch.bool)
    found = model.similarity(ids, ids, there, there)[0]
    assert found[0, 1] == 0
    assert found[0, 0] == 1


def test_refuses_what_does_not_fit() -> None:
    words = Vocabulary(["a", "b"])
    with pytest.raises(ValueError, match="30 rows; the vocabulary has 3 words"):
        KNRM(vectors(), vocabulary=words)
    with pytest.raises(ValueError, match="no number"):
        KNRM(torch.full((3, 2), torch.nan))
    with pytest.raises(ValueError, match="least"):
        KNRM(vectors(), kernels=1)
    with pytest.raises(ValueError, match="least"):
        DRMM(vectors(), bins=1)
    with pytest.raises(ValueError, match="only with a vocabulary"):
        KNRM(vectors()).rank("a", ["b"])


def test_ranks_texts_and_says_what_is_wrong() -> None:
    words = Vocabulary.build(["heat slab", "wing flow"])
    model = KNRM(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), vocabulary=words)
    with torch.no_grad():
        model.linear.weight.fill_(0)[0, 0] = 1.0
    assert [place for place, _ in model.rank("heat", ["wing flow", "heat slab"])] == [1, 0]
    assert len(model.rank("heat", ["wing", "slab"], top_k=1)) == 1
    with pytest.raises(ValueError, match="no word of the query 'unknown'"):
        model.rank("unknown", ["wing"])
    with pytest.warns(UserWarning, match="BM25 ranks instead"):
        assert model.rank("unknown", ["wing", "unknown words"], on_empty="bm25")[0][0] == 1
    with pytest.raises(ValueError, match="document 1 has no word"):
        model.rank("heat", ["wing", "unknown"])
    with pytest.raises(ValueError, match="top_k=3 of 2"):
        model.rank("heat", ["wing", "slab"], top_k=3)
    with pytest.raises(ValueError, match="no document"):
        model.rank("heat", [])


def test_one_seed_gives_one_ranking() -> None:
    words = Vocabulary.build(["heat slab", "wing flow"])

    def ranked() -> list[tuple[int, float]]:
        torch.manual_seed(3)
        return ConvKNRM(torch.randn(5, 8), filters=4, vocabulary=words).rank("heat", ["wing flow", "slab"])

    assert ranked() == ranked()


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_saved_scores_the_same(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, inputs = EXAMPLES[name]()
    model.save_pretrained(tmp_path)
    again = Ranker.from_pretrained(tmp_path)
    assert type(again) is type(model)
    torch.testing.assert_close(again.eval()(**inputs), model.eval()(**inputs), atol=0, rtol=0)


def test_vocabulary_is_saved_too(tmp_path: Path) -> None:
    words = Vocabulary.build(["heat slab", "wing flow", "heat"])
    model = DRMM(torch.randn(5, 8), vocabulary=words)
    model.save_pretrained(tmp_path)
    again = DRMM.from_pretrained(tmp_path)
    assert again.rank("heat", ["slab", "heat wing"]) == model.rank("heat", ["slab", "heat wing"])
    with pytest.raises(ValueError, match="holds a DRMM, not a KNRM"):
        KNRM.from_pretrained(tmp_path)


class Letters:
    """A stand-in for a SentenceTransformer: counts of letters."""

    def encode(self, texts: list[str], **options: object) -> torch.Tensor:
        return torch.tensor([[float(text.count(letter)) for letter in "abcdefgh"] for text in texts])


def test_bi_encoder_takes_what_encodes() -> None:
    assert BiEncoder(Letters()).rank("abba", ["hhg", "ab"])[0][0] == 1
