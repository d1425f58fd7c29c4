"""Cores are those of the definitions, whatever else is in the batch."""

import pytest
import torch

from octavo.language.coreinfer import core_neurons
from octavo.language.coreinfer.blocks import blocks_of, middle
from octavo.language.coreinfer.neurons import Tally, core_size, sentence_core, token_core
from octavo.language.coreinfer.watching import counted_tokens, tallies_of

from . import reference
from .toys import FAMILIES, LAYERS, NEURONS, prompts, toy


def values(case: str) -> torch.Tensor:
    """Activations as a gate makes them, of ReLU with many zeros, and with equal ones."""
    x = torch.randn(2, 9, 21, generator=torch.Generator().manual_seed(3))
    return {"gated": x, "relu": x.relu(), "equal": (2 * x).round() / 2, "none": -x.abs()}[case]


@pytest.mark.parametrize("rule", ["paper", "abs"])
@pytest.mark.parametrize("case", ["gated", "relu", "equal", "none"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equals_the_double_loop(rule, case, dtype) -> None:
    activations = values(case).to(dtype)
    ids = torch.ones(2, 9, dtype=torch.long)
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1, 1, 1], [1] * 9])
    counted = counted_tokens(ids, mask)
    tally = Tally(rule, 0.4)
    # In two pieces, as a prompt that is read in chunks.
    tally.add(activations[:, :4], counted[:, :4])
    tally.add(activations[:, 4:], counted[:, 4:])
    found = sentence_core(tally.scores(), 8)
    for row in range(2):
        expected = reference.sentence_core(activations[row], counted[row].tolist(), 0.4, 8, rule)
        assert found[row].tolist() == expected
        cores = token_core(activations[row], 0.4, rule)
        for token, core in zip(activations[row].double().tolist(), cores, strict=True):
            assert set(core.nonzero()[:, 0].tolist()) == reference.token_core(token, 0.4, rule)


def test_energy_is_what_a_neuron_writes() -> None:
    activations, norms = values("gated"), torch.rand(21) + 0.5
    tally = Tally("energy")
    tally.add(activations, torch.ones(2, 9, dtype=torch.bool))
    expected = activations.double().square().mean(1).sqrt() * norms
    torch.testing.assert_close(tally.scores(norms).double(), expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(tally.mean(), activations.mean(1), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("rule", ["abs", "paper", "energy"])
@pytest.mark.parametrize("family", FAMILIES)
def test_cores_do_not_depend_on_the_batch_or_on_padding(rule, family) -> None:
    model, ids = toy(family), prompts(2, 14)
    short = ids[1, 4:]
    mask = torch.ones_like(ids)
    mask[1, :4] = 0
    padded = ids.clone()
    padded[1, :4] = 0
    together = core_neurons(model, padded, mask, keep=0.4, rule=rule)
    alone = [core_neurons(model, row[None], keep=0.4, rule=rule) for row in (ids[0], short)]
    for layer in range(LAYERS):
        assert together[layer].shape == (2, 16)
        assert torch.equal(together[layer], torch.cat([one[layer] for one in alone]))


def test_what_counts() -> None:
    ids, mask = torch.tensor([[0, 3, 9, 3, 5], [3, 4, 5, 6, 7]]), torch.tensor([[0, 1, 1, 1, 1], [1] * 5])
    assert counted_tokens(ids, mask, bos=3).tolist() == [
        [False, False, True, False, True],
        [False, True, True, True, True],
    ]


def test_one_core_of_all_rows() -> None:
    model, ids = toy(), prompts(3)
    blocks = blocks_of(model)
    tallies = tallies_of(model, blocks, ids)
    for block in blocks:
        scores = tallies[block.layer].scores(shared=True)
        torch.testing.assert_close(scores, tallies[block.layer].scores().sum(0, keepdim=True))
        mean = tallies[block.layer].mean(shared=True)
        torch.testing.assert_close(mean[0], tallies[block.layer].mean().mean(0), atol=1e-6, rtol=1e-5)


def test_layers() -> None:
    model = toy()
    assert [block.layer for block in blocks_of(model, "auto")] == [0, 1, 2]
    assert [block.layer for block in blocks_of(model, range(1, 3))] == [1, 2]
    assert middle(32) == range(6, 29)
    assert all(block.neurons == NEURONS for family in FAMILIES for block in blocks_of(toy(family)))


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.2])
def test_shares_are_shares(keep) -> None:
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        core_size(64, keep)
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        Tally("abs", keep)
