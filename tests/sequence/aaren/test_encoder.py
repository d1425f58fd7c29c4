import time
from pathlib import Path
from typing import get_args

import pytest
import torch

from octavo.sequence import AarenEncoder, AarenLayer
from octavo.sequence.aaren.encoder import MixerName

MIXERS = get_args(MixerName)


def encoder(mixer: MixerName = "aaren", **options: object) -> AarenEncoder:
    torch.manual_seed(0)
    return AarenEncoder(8, 2, 2, 16, mixer=mixer, **options).double().eval()  # type: ignore[arg-type]


def tokens(batch: int = 3, time: int = 20) -> torch.Tensor:
    return torch.randn(batch, time, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("norm_first", [True, False])
def test_steps_are_the_forward_pass_also_from_its_state_in_the_middle(
    mixer: MixerName, norm_first: bool
) -> None:
    model, x = encoder(mixer, norm_first=norm_first), tokens()
    with torch.no_grad():
        expected = model(x)
        first, state = model(x[:, :7], need_state=True)
        pieces = [first]
        for position in range(7, 13):
            output, state = model.step(x[:, position], state)
            pieces.append(output[:, None])
        rest, _ = model(x[:, 13:], state=state, need_state=True)
    assert (torch.cat([*pieces, rest], dim=1) - expected).abs().max() <= 1e-12


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("side", ["right", "left", "between"])
def test_padding_is_never_read_and_takes_no_position(mixer: MixerName, side: str) -> None:
    model, x = encoder(mixer), tokens(1, 12)
    places = {"right": range(12), "left": range(5, 17), "between": [*range(6), *range(11, 17)]}[side]
    padded = torch.full((2, 17, 8), torch.nan, dtype=torch.float64)
    padded[0, list(places)], padded[1] = x[0], torch.randn(17, 8)
    padding = torch.ones(2, 17, dtype=torch.bool)
    padding[0, list(places)], padding[1] = False, False
    with torch.no_grad():
        outputs, state = model(padded, padding, need_state=True)
        alone, its_state = model(x, need_state=True)
        further = tokens(2, 1)[:, 0]
        after, _ = model.step(further, state)
        after_alone, _ = model.step(further[:1], its_state)
    assert (outputs[0, list(places)] - alone[0]).abs().max() <= 1e-12
    assert (after[0] - after_alone[0]).abs().max() <= 1e-12


def test_order_is_seen_by_positions_alone() -> None:
    x = tokens()
    order = torch.cat([torch.randperm(19, generator=torch.Generator().manual_seed(2)), torch.tensor([19])])
    for positional, seen in (("none", False), ("sinusoidal", True)):
        torch.manual_seed(0)
        one = AarenEncoder(8, 1, 2, positional=positional).double().eval()  # type: ignore[arg-type]
        difference = (one(x[:, order])[:, -1] - one(x)[:, -1]).abs().max()
        assert bool(difference > 1e-3) is seen


def test_a_module_may_give_the_positions() -> None:
    class Learned(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(50, 8)

        def forward(self, positions: torch.Tensor) -> torch.Tensor:
            return self.table(positions)

    model = AarenEncoder(8, 1, 2, positional=Learned()).eval()
    x, state = torch.randn(2, 5, 8), None
    for position in range(5):
        output, state = model.step(x[:, position], state)
    assert torch.allclose(output, model(x)[:, -1], atol=1e-5)


def test_attention_is_the_encoder_of_torch() -> None:
    ours = AarenLayer(8, 2, 16, dropout=0.0, mixer="attention").double()
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).double()
    names = {"mixer.in_proj.": "self_attn.in_proj_", "mixer.out_proj.": "self_attn.out_proj."}
    weights = {}
    for name, weight in ours.state_dict().items():
        for before, after in names.items():
            name = name.replace(before, after)
        weights[name] = weight
    theirs.load_state_dict(weights)
    x = tokens()
    mask = torch.nn.Transformer.generate_square_subsequent_mask(20, dtype=torch.float64)
    assert (ours(x) - theirs(x, src_mask=mask, is_causal=True)).abs().max() <= 1e-12


def test_a_layer_has_d_model_parameters_more_than_that_of_torch() -> None:
    sizes = [
        sum(parameter.numel() for parameter in layer.parameters())
        for layer in (AarenLayer(512, 8), torch.nn.TransformerEncoderLayer(512, 8))
    ]
    assert sizes == [3_152_896, 3_152_384]


def test_a_token_costs_the_same_at_the_end_of_a_stream() -> None:
    model = AarenEncoder(16, 1, 2, 16).eval()
    token, state = torch.randn(1, 16), model.init_state(1)
    size, blocks = state.nbytes, []
    with torch.no_grad():
        for _ in range(32):
            begin = time.perf_counter()
            for _ in range(128):
                _, state = model.step(token, state)
            blocks.append(time.perf_counter() - begin)
    assert state.nbytes == size
    assert state.position.item() == 4096
    # The fastest blocks of both ends, for the machine may be doing other things.
    assert min(blocks[-8:]) <= 1.5 * min(blocks[:8])


def test_a_cache_grows_and_branches_stay_apart() -> None:
    model, x = encoder("attention"), tokens(1, 6)
    _, state = model(x[:, :4], need_state=True)
    one, left = model.step(x[:, 4], state)
    other, right = model.step(x[:, 5], state)
    again, _ = model.step(x[:, 4], state)
    assert left.nbytes > state.nbytes
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)
    assert torch.allclose(model.step(x[:, 5], left)[0], model(x)[:, -1], atol=1e-12)
    assert right.position.item() == 5


def test_rows_of_a_state_can_be_chosen() -> None:
    for mixer in MIXERS:
        model, x = encoder(mixer), tokens()
        _, state = model(x[:, :5], need_state=True)
        swapped, _ = model.step(x[[2, 0], 5], state.select(torch.tensor([2, 0])))
        straight, _ = model.step(x[:, 5], state)
        assert torch.allclose(swapped, straight[[2, 0]], atol=1e-12)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    model = encoder("gru").float()
    model.save_pretrained(tmp_path)
    again = AarenEncoder.from_pretrained(tmp_path).eval()
    assert torch.equal(model(tokens().float()), again(tokens().float()))


def test_dropout_is_on_in_training_alone() -> None:
    model, x = encoder(dropout=0.5), tokens()
    assert torch.equal(model(x), model(x))
    model.train()
    assert not torch.equal(model(x), model(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: AarenEncoder(8, 0, 2), "n_layers=0 must be at least 1"),
        (lambda m: AarenEncoder(8, 1, 2, mixer="conv"), "mixer='conv' is unknown"),
        (lambda m: AarenEncoder(8, 1, 2, positional="rope"), "positional='rope' is unknown"),
        (lambda m: m(torch.zeros(2, 3, 7)), r"expected \(batch, time, 8\)"),
        (lambda m: m.step(torch.zeros(2, 8), m.init_state(3)), "batch of 3, got 2 rows"),
        (lambda m: m.step(torch.zeros(2, 8), ()), "must be an EncoderState"),
        (lambda m: m(torch.zeros(2, 3, 8), torch.tensor([[True] * 3, [False] * 3])), r"rows \[0\]"),
    ],
)
def test_what_does_not_fit_is_said(unchecked: None, call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(encoder().float())  # type: ignore[operator]


def test_a_step_compiles_as_one_graph() -> None:
    model, x = encoder(), tokens()
    step = torch.compile(model.step, fullgraph=True, backend="eager")
    state = ours = model.init_state(batch=3, dtype=torch.float64)
    with torch.no_grad():
        for t in range(3):
            expected, state = model.step(x[:, t], state)
            y_t, ours = step(x[:, t], ours)
            torch.testing.assert_close(y_t, expected)
