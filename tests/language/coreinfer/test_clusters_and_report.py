"""Clusters find what was planted and survive a file; the report measures and recommends."""

import math

import pytest
import torch

from octavo.language import CoreClusters, CoreReport, fit_clusters
from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.clusters import elbow
from octavo.language.coreinfer.continuation import Continuation, overlap, static_cores
from octavo.language.coreinfer.offload import Offload
from octavo.language.coreinfer.report import Row
from octavo.language.coreinfer.slicing import Slices
from octavo.language.coreinfer.stand_in import stand_in
from octavo.language.coreinfer.timing import bound, bytes_per_token, first_neurons

from .toys import NEURONS, prompts, toy


@pytest.fixture(scope="module")
def clusters() -> CoreClusters:
    # Texts of two disjoint vocabularies.
    model = toy()
    texts = [*(prompts(8, 16, seed=1) % 20 + 2), *(prompts(8, 16, seed=2) % 20 + 30)]
    return fit_clusters(model, texts, k=2)


def test_clusters_are_the_two_vocabularies(clusters) -> None:
    assert min(clusters.sizes.tolist()) >= 6
    assert clusters.frequency.shape == (2, 3, NEURONS)
    assert torch.equal(clusters.nearest(clusters.frequency), torch.tensor([0, 1]))
    pooled, _ = clusters.pooled()
    weights = clusters.sizes[:, None, None] / 16
    torch.testing.assert_close(pooled, (weights * clusters.frequency).sum(0))


def test_clusters_survive_a_file(clusters, tmp_path) -> None:
    clusters.save(tmp_path / "c.safetensors")
    again = CoreClusters.load(tmp_path / "c.safetensors")
    for name in ("frequency", "means", "sizes"):
        assert torch.equal(getattr(clusters, name), getattr(again, name))
    assert (again.layers, again.keep, again.token_share, again.rule) == (
        clusters.layers,
        clusters.keep,
        clusters.token_share,
        clusters.rule,
    )


def test_the_number_of_clusters_is_found() -> None:
    assert elbow([100.0, 60.0, 20.0, 15.0, 10.0]) == 2
    found = fit_clusters(toy(), list(prompts(14, 10)))
    assert 4 <= len(found.sizes) <= 12
    assert int(found.sizes.sum()) == 14


def test_the_report() -> None:
    model, tokenizer = stand_in()
    texts = [
        "the cat sat on the mat and looked at me again",
        "short",
        "one two three four five six seven eight",
    ]
    clusters = fit_clusters(model, texts, k=1, tokenizer=tokenizer)
    report = CoreReport.measure(
        model,
        tokenizer,
        texts,
        keeps=(0.25, 1.0),
        rules=("abs", "static"),
        clusters=clusters,
        prompt=16,
        continuation=8,
    )
    assert report.texts == 2
    assert [(row.rule, row.keep) for row in report.rows] == [
        ("abs", 0.25),
        ("static", 0.25),
        ("abs", 1.0),
        ("static", 1.0),
    ]
    for row in report.rows[2:]:
        assert (row.perplexity_ratio, row.agreement, row.overlap) == (1.0, 1.0, 1.0)
    assert report.rows[0].low < report.rows[0].perplexity_ratio < report.rows[0].high
    assert 0 < report.milliseconds < 1000
    assert "2 texts" in str(report)
    with pytest.raises(ValueError, match="no text has"):
        CoreReport.measure(model, tokenizer, texts, prompt=100)
    with pytest.raises(ValueError, match="fit_clusters"):
        CoreReport.measure(model, tokenizer, texts, rules=("static",), prompt=16, continuation=8)


def test_recommendations() -> None:
    rows = tuple(
        Row("abs", keep, ratio, ratio - 0.01, ratio + 0.01, 0.9, 0.9, 1.0)
        for keep, ratio in ((0.2, 2.0), (0.6, 1.2), (0.8, 1.05))
    )
    assert CoreReport(rows, 3).recommend(1.1) == 0.8
    assert CoreReport(rows, 3).recommend(1.5) == 0.6
    assert CoreReport(rows, 3).recommend(1.01) == 1.0
    assert math.isnan(CoreReport(rows, 3).milliseconds)


def test_overlaps_and_static_cores(clusters) -> None:
    model = toy()
    blocks = blocks_of(model)
    text = Continuation(model, blocks, prompts(1, 20)[0], 12)
    cores, means = static_cores(clusters, blocks, 0.4)
    assert overlap(cores, cores) == 1.0
    assert 0 < overlap(cores, text.cores("abs", 0.4)) < 1
    assert means[1].shape == (1, NEURONS)
    with pytest.raises(ValueError, match="nothing to score"):
        Continuation(model, blocks, prompts(1, 20)[0], 19)


def test_bytes() -> None:
    model = toy()
    blocks = blocks_of(model)
    slices = first_neurons(blocks, 0.4)
    whole = sum(p.numel() for p in model.parameters()) - model.model.embed_tokens.weight.numel()
    assert bytes_per_token(model) == 4 * whole
    assert slices.nbytes == 4 * 3 * 3 * 16 * 16
    assert bytes_per_token(model, slices) == 4 * (whole - 3 * 3 * 16 * (NEURONS - 16))
    assert bound(model, slices) == bytes_per_token(model) / bytes_per_token(model, slices)
    assert bound(model, Slices(blocks, {b.layer: torch.arange(NEURONS)[None] for b in blocks})) == 1


def test_nothing_is_left_on_disk(tmp_path) -> None:
    model = toy()
    size = sum(p.numel() * 4 for p in model.parameters())
    with Offload(model.modules(), tmp_path) as away:
        assert len(list(tmp_path.iterdir())) == 1
        assert away.nbytes == size
    assert not list(tmp_path.iterdir())
