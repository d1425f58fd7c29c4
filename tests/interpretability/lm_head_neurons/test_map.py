"""The map equals brute force for every source, score and sign, however it is cut into blocks."""

from pathlib import Path

import pytest
import torch

from octavo.interpretability import HeadReader, NeuronMap, decode_neuron, nearest_neurons
from octavo.interpretability.lm_head_neurons import specialisation
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards, gain
from octavo.interpretability.lm_head_neurons.scan import scan, stable_top

from .reference import top
from .toys import VOCABULARY, toy, words


def brute_force(model, source, score, norm="none", k=5):
    """Ids and scores of both signs, a loop over neurons."""
    head = model.lm_head.weight.detach()
    ids, scores = [], []
    for block in feed_forwards(model):
        rows = block.rows(source).double()
        if norm == "input":
            rows = rows * block.norm.weight.detach()
        if norm == "final":
            rows = rows * model.model.norm.weight.detach()
        for row in rows:
            both = [top(row, head, score, sign, k) for sign in (1, -1)]
            ids.append([one for one, _ in both])
            scores.append([one for _, one in both])
    return torch.tensor(ids).transpose(0, 1), torch.tensor(scores, dtype=torch.float64).transpose(0, 1)


@pytest.mark.parametrize("score", ["cosine", "logit", "softmax", "centred"])
def test_equals_brute_force_for_every_source_and_sign(score: str) -> None:
    model = toy()
    built = NeuronMap.build(model, score=score, k=5, null=0, block=40)
    for s, source in enumerate(("up", "gate", "down")):
        ids, scores = brute_force(model, source, score)
        assert torch.equal(built.tokens[s].long(), ids)
        torch.testing.assert_close(built.scores[s].double(), scores, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(
    ("norm", "source"), [("input", "up"), ("input", "gate"), ("final", "down"), ("final", "up")]
)
def test_the_gains_are_those_of_the_model(norm: str, source: str) -> None:
    model = toy(seed=3)
    built = NeuronMap.build(model, source=source, norm=norm, k=5, null=0)
    ids, scores = brute_force(model, source, "cosine", norm)
    assert torch.equal(built.tokens[0].long(), ids)
    torch.testing.assert_close(built.scores[0].double(), scores, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("block", [1, 7, 32, 33, 96, 97, 10_000])
@pytest.mark.parametrize("score", ["cosine", "softmax"])
def test_blocks_change_nothing(block: int, score: str) -> None:
    model = toy()
    whole, cut = (NeuronMap.build(model, score=score, k=4, null=64, block=b) for b in (VOCABULARY, block))
    assert torch.equal(whole.tokens, cut.tokens)
    torch.testing.assert_close(whole.scores, cut.scores, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(whole.null, cut.null, atol=1e-12, rtol=1e-12)


def test_a_scan_in_bfloat16_has_the_top_tokens_of_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    reader = HeadReader(torch.randn(3000, 64, generator=generator))
    bank = torch.randn(50, 64, generator=generator)
    (wide,), (narrow,) = (scan(reader, [bank], 4, block=1000, dtype=d) for d in (None, torch.bfloat16))
    assert torch.equal(wide.ids, narrow.ids)
    assert torch.equal(wide.scores, narrow.scores)


def test_equal_tokens_stand_by_their_number_even_at_the_edge() -> None:
    head = torch.ones(50, 4)
    for block in (3, 50):
        (found,) = scan(HeadReader(head), [torch.ones(2, 4)], 3, block=block)
        assert found.ids[0].tolist() == [[0, 1, 2]] * 2
    values = torch.tensor([[1.0, 5.0, 1.0, 1.0, 1.0]])
    assert sorted(stable_top(values, 3)[0].tolist()) == [0, 1, 2]
    order = torch.tensor([[4, 3, 2, 1, 0]])
    assert sorted(stable_top(values, 3, order)[0].tolist()) == [1, 3, 4]


def test_padding_and_special_tokens_are_not_read() -> None:
    model = toy()
    with torch.no_grad():
        model.lm_head.weight[90:] *= 100  # beyond the tokenizer, and special
    built = NeuronMap.build(model, words(92, special=4), score="logit", k=3, null=0)
    assert built.tokens.max() < 88
    assert len(built.vocabulary) == 92


@pytest.mark.parametrize("family", ["gpt2", "neox", "phi", "gemma", "mixtral"])
def test_other_families_are_read(family: str) -> None:
    model = toy(family)
    built = NeuronMap.build(model, k=3, null=0)
    expected = ("up", "down") if family in ("gpt2", "neox") else ("up", "gate", "down")
    assert built.sources == expected
    head = model.get_output_embeddings().weight.detach()
    mlp = {
        "gpt2": lambda: model.transformer.h[1].mlp.c_fc.weight.T,
        "neox": lambda: model.gpt_neox.layers[1].mlp.dense_h_to_4h.weight,
        "phi": lambda: model.model.layers[1].mlp.gate_up_proj.weight[24:],
        "gemma": lambda: model.model.layers[1].mlp.up_proj.weight,
        "mixtral": lambda: model.model.layers[1].mlp.experts.gate_up_proj[2, 24:],
    }[family]().detach()
    said = built.neuron(1, 7, 2 if family == "mixtral" else None).reading("up", -1)
    ids, scores = top(mlp[7], head, "cosine", -1, 3)
    assert said.tokens == tuple(f"<{number}>" for number in ids)
    assert said.scores == pytest.approx(scores)
    assert len(built) == 48 * (3 if family == "mixtral" else 1)


def test_the_gain_of_gemma_is_one_more_than_its_weight() -> None:
    layer = toy("gemma").model.layers[0]
    found = gain(layer.pre_feedforward_layernorm, torch.zeros(1, 16, dtype=torch.float64))
    torch.testing.assert_close(
        found.double(), 1 + layer.pre_feedforward_layernorm.weight.detach(), atol=1e-5, rtol=1e-5
    )
    assert feed_forwards(toy("gemma"))[0].norm is not None
    norm = torch.nn.LayerNorm(7, dtype=torch.float64)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    found = gain(norm, torch.zeros(1, 7, dtype=torch.float64))
    torch.testing.assert_close(found.double(), norm.weight.detach(), atol=1e-5, rtol=1e-5)


def test_moments_are_those_of_all_scores() -> None:
    model = toy()
    built = NeuronMap.build(model, source="up", k=1, null=0)
    everything = HeadReader(model.lm_head.weight)(feed_forwards(model)[0].rows("up"))
    torch.testing.assert_close(built.moments[0, 0, :24], everything.mean(1))
    torch.testing.assert_close(built.moments[1, 0, :24], everything.std(1, correction=0))


def test_find_credits_a_neuron_with_its_own_tokens_only() -> None:
    model, tokenizer = toy(), words()
    with torch.no_grad():
        head, up = model.lm_head.weight, model.model.layers[0].mlp.up_proj.weight
        common = torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
        head[40:] += 3 * common  # rare tokens have a direction in common
        up[3] = common  # and a neuron lies along it
        up[11] = -head[50]  # while this one is the specialist, with the other sign
    built = NeuronMap.build(model, tokenizer, source="up", k=4, null=0)
    best = built.find("w50")[0]
    assert (best.layer, best.neuron, best.sign, best.rank) == (0, 11, -1, 0)
    assert best.score == pytest.approx(-1)
    raw = nearest_neurons(model, tokenizer, "w50", 40, decoy_rank=4)
    assert raw[0].neuron == 11
    assert not raw[0].decoy
    decoy = next(each for each in raw if (each.layer, each.neuron) == (0, 3))
    assert decoy.decoy
    assert abs(decoy.z) < abs(raw[0].z)
    assert (0, 3) not in {(match.layer, match.neuron) for match in built.find("w50", 100)}


def test_find_adds_up_the_tokens_of_a_concept() -> None:
    built = NeuronMap.build(toy(), words(), k=6, null=0)
    one, other = (
        {(m.layer, m.neuron, m.source, m.sign): m.score for m in built.find(w, 999)} for w in ("w5", "w6")
    )
    both = {(m.layer, m.neuron, m.source, m.sign): m.score for m in built.find("", 999, several=[5, 6])}
    assert both == pytest.approx({key: one.get(key, 0) + other.get(key, 0) for key in one | other})


def test_one_neuron_is_decoded_as_in_the_map() -> None:
    model, tokenizer = toy(), words()
    built = NeuronMap.build(model, tokenizer, k=4, null=0)
    alone, listed = decode_neuron(model, tokenizer, 1, 5, k=4), built.neuron(1, 5)
    for one, other in zip(alone.readings, listed.readings, strict=True):
        assert one[:3] == other[:3]
        assert one.scores == pytest.approx(other.scores)
    assert "neuron 5" in str(alone)


def test_a_map_of_itself_agrees_and_of_a_shuffled_model_does_not() -> None:
    model, tokenizer = toy(intermediate_size=400), words()
    built = NeuronMap.build(model, tokenizer, source="up", k=1, null=0)
    assert built.compare(built)[0].agreement == 1
    with torch.no_grad():
        for layer in model.model.layers:
            weight = layer.mlp.up_proj.weight
            weight.copy_(weight[torch.randperm(len(weight), generator=torch.Generator().manual_seed(1))])
    shuffled = NeuronMap.build(model, tokenizer, source="up", k=1, null=0)
    top_one = built.tokens[0, 0, :, 0].long()
    chance = (
        sum(
            float((torch.bincount(half, minlength=VOCABULARY) / len(half)).square().sum())
            for half in top_one.split(400)
        )
        / 2
    )
    both, *by_layer = built.compare(shuffled)
    assert both.low <= chance <= both.high
    assert [each.layer for each in by_layer] == [0, 1]
    assert built.compare(shuffled, sign="strongest")[0].agreement < 0.2


def test_the_null_lets_alpha_through_and_planted_concepts_stand_out() -> None:
    model, tokenizer = toy(vocab_size=400, hidden_size=64, intermediate_size=200), words(400)
    with torch.no_grad():
        head, up = model.lm_head.weight, model.model.layers[1].mlp.up_proj.weight
        head[10:14] = head[10] + 0.1 * torch.randn(4, 64, dtype=torch.float64)
        up[17] = -head[10]
    built = NeuronMap.build(model, tokenizer, source="up", k=6, null=4000)
    found = built.specialised(alpha=0.001)
    first = found.iloc[0]
    assert (first.layer, first.neuron, first.sign, first.token) == (1, 17, -1, "w10")
    assert first.one_concept
    assert len(built.specialised(alpha=0.05, one_concept=False)) / len(built) < 0.1
    limit = specialisation.threshold(built.null[0], 0.001)
    assert (built.null[0] > limit).float().mean() == pytest.approx(0.001)


def test_coherent_is_three_tokens_related_each_with_each() -> None:
    eye = torch.eye(6)
    chain = torch.stack([eye[0], eye[0] + eye[1], eye[1], eye[3], eye[4], eye[5]])
    triple = torch.stack([eye[0], eye[0] + 0.1 * eye[1], eye[0] + 0.1 * eye[2], eye[3], eye[4], eye[5]])
    for head, expected in ((chain, False), (triple, True)):
        tokens, stems = torch.arange(6)[None], torch.arange(6)
        assert specialisation.coherent(HeadReader(head), tokens, stems).tolist() == [expected]
    stems = torch.tensor([0, 0, 0, 1, 2, 3])
    assert specialisation.coherent(HeadReader(eye), torch.arange(6)[None], stems).tolist() == [True]


def test_shuffled_rows_keep_the_numbers_of_neurons() -> None:
    banks = [torch.arange(12.0).reshape(3, 4), 100 + torch.arange(8.0).reshape(2, 4)]
    rows = specialisation.shuffled_rows(banks, 5, torch.Generator().manual_seed(0))
    assert sorted(row.sort().values.tolist() for row in rows) == sorted(torch.cat(banks).tolist())
    assert not torch.equal(rows.sort(1).values, rows)


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    built = NeuronMap.build(toy(), words(), k=6, null=1000)
    built.save(tmp_path / "map.safetensors")
    again = NeuronMap.load(tmp_path / "map.safetensors")
    assert repr(again) == repr(built)
    assert again.find("w5") == built.find("w5")
    assert again.neuron(1, 3) == built.neuron(1, 3)
    assert again.specialised(0.05).equals(built.specialised(0.05))
    assert built.compare(again)[0].agreement == 1
    assert len(again.to_dataframe()) == 48 * 3 * 2 * 6
