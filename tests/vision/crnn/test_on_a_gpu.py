"""A reader on a GPU gives what it gives on the CPU: frames, losses, gradients, texts, files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from tests.devices import apart, bit_equal, exact_float32, left_behind, skip_without_a_compiler
from torch import Tensor, nn

from octavo import catalogue
from octavo.runner import plan, run
from octavo.vision import (
    CRNN,
    CaseFolded,
    CTCRecognizer,
    Lexicon,
    MusicCRNN,
    TextRenderer,
    crnn_pretrained,
    ctc_beam,
    ctc_greedy,
)
from octavo.vision.crnn.checkpoints import OWN
from octavo.vision.crnn.ctc import ctc_align, ctc_loss
from octavo.vision.crnn.rendering import fonts_everywhere
from octavo.vision.crnn.warm_up import WithShortcut

WIDTHS, LABELS = [64, 100, 41], ["a0", "", "zz9"]
BEST = {torch.float64: 1e-9, torch.float32: 1e-4}


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    torch.manual_seed(0)
    with exact_float32():
        yield


def small(**settings: object) -> CRNN:
    torch.manual_seed(0)
    return CRNN("0-9a-z", width_mult=0.0625, **settings)  # type: ignore[arg-type]


def padded() -> tuple[Tensor, Tensor]:
    """Pictures of several widths, with something behind their ends that must not be read."""
    return torch.randn(3, 1, 32, max(WIDTHS)), torch.tensor(WIDTHS)


def learned(
    model: nn.Module, device: torch.device, kind: torch.dtype, *, whole: bool
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Loss and frames, gradients, and running statistics of a training step."""
    torch.manual_seed(1)
    images, widths = padded()
    model.to(device, kind).train()
    images = images.to(device, kind).requires_grad_()
    output = model(images, None if whole else widths.to(device), LABELS)
    assert output.loss.device.type == output.log_probs.device.type == device.type
    output.loss.backward()
    gradients = [images.grad, *(parameter.grad for parameter in model.parameters())]
    frames = [row[:length] for row, length in zip(output.log_probs, output.lengths.tolist(), strict=True)]
    return [output.loss, *frames], gradients, [each for each in model.buffers() if each.is_floating_point()]


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
@pytest.mark.parametrize("whole", [True, False], ids=["one width", "padded"])
@pytest.mark.parametrize("variant", ["official", "paper", "easyocr"])
def test_a_training_step_is_that_of_the_cpu(
    gpu: torch.device, variant: str, whole: bool, kind: torch.dtype
) -> None:
    found = learned(small(variant=variant), gpu, kind, whole=whole)
    expected = learned(small(variant=variant), torch.device("cpu"), kind, whole=whole)
    for one, other in zip(found, expected, strict=True):
        assert apart(one, other) < BEST[kind]


@pytest.mark.parametrize("rnn", ["lstm", "none"])
def test_so_is_that_of_other_recurrent_layers_and_of_music(gpu: torch.device, rnn: str) -> None:
    def music() -> nn.Module:
        torch.manual_seed(0)
        return MusicCRNN(list("09az"), height=32, width_mult=0.0625)

    makers = [lambda: small(rnn=rnn)] if rnn == "none" else [lambda: small(rnn=rnn), music]
    for make in makers:
        model, alone = make(), make()
        images, widths = padded()
        found = model.to(gpu, torch.float64).eval()(images.to(gpu).double(), widths)
        expected = alone.double().eval()(images.double(), widths)
        assert found.lengths.tolist() == expected.lengths.tolist()
        assert apart([found.log_probs], [expected.log_probs]) < 1e-9


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_padding_and_company_change_nothing(gpu: torch.device, order: tuple[int, ...]) -> None:
    model, (images, widths) = small().to(gpu).eval(), padded()
    images, widths = images[list(order)].to(gpu), widths[list(order)]
    with torch.no_grad():
        # Widths may be left where the processor made them.
        for places in (widths, widths.to(gpu)):
            together = model(images, places)
            for row, width in enumerate(widths.tolist()):
                alone = model(images[row : row + 1, :, :, :width]).log_probs[0]
                length = int(together.lengths[row])
                torch.testing.assert_close(together.log_probs[row, :length], alone, atol=1e-5, rtol=0)
        frames = model.frames_of(images, widths.to(gpu), 2)
    assert all(each.device.type == "cpu" for each in frames)
    assert apart(frames, [together.log_probs[row, : len(each)] for row, each in enumerate(frames)]) < 1e-5


def test_under_autocast_frames_and_loss_are_finite_near_and_in_single_precision(gpu: torch.device) -> None:
    model, (images, widths) = small().to(gpu).train(), padded()
    images, widths = images.to(gpu), widths.to(gpu)
    for places in (None, widths):
        exactly = model(images, places, LABELS)
        model.zero_grad()
        with torch.autocast(gpu.type, dtype=torch.bfloat16):
            output = model(images, places, LABELS)
        output.loss.backward()
        assert output.loss.dtype == output.log_probs.dtype == torch.float32
        assert output.loss.item() == pytest.approx(exactly.loss.item(), rel=0.05)
        assert apart([output.log_probs], [exactly.log_probs]) < 0.05
        assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_under_autocast_folding_adds_up_in_single_precision(gpu: torch.device) -> None:
    folded, scores = (
        CaseFolded(CRNN("0-9A-Za-z.", width_mult=0.05)).to(gpu),
        torch.randn(3, 9, 64, device=gpu),
    )
    with torch.autocast(gpu.type, dtype=torch.bfloat16):
        found = folded.folded(scores)
    assert apart([found], [folded.folded(scores)]) < 1e-6


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
@pytest.mark.parametrize("repeatable", [False, True], ids=["native", "deterministic"])
def test_loss_and_gradient_of_ctc_are_those_of_the_cpu(
    gpu: torch.device, repeatable: bool, kind: torch.dtype, fixed: "Fixed"
) -> None:
    if repeatable:
        fixed.on()
    frames = torch.randn(4, 30, 12, dtype=kind)
    lengths, counts = torch.tensor([30, 22, 30, 7]), torch.tensor([9, 4, 0, 3])
    targets = torch.randint(1, 12, (int(counts.sum()),))

    def step(device: torch.device, labels: Tensor) -> tuple[Tensor, Tensor]:
        own = frames.detach().to(device, copy=True).requires_grad_()
        losses = ctc_loss(own.log_softmax(-1), lengths.to(device), labels, counts)
        assert losses.device.type == device.type
        assert losses.dtype == kind
        (losses * torch.arange(1, 5, device=device)).sum().backward()
        assert own.grad is not None
        return losses, own.grad

    expected = step(torch.device("cpu"), targets)
    # Labels may lie on either device.
    for labels in (targets, targets.to(gpu)):
        found = step(gpu, labels)
        assert apart(found, expected) < BEST[kind]
        if repeatable:
            again = step(gpu, labels)
            assert all(torch.equal(one, other) for one, other in zip(found, again, strict=True))


class Fixed:
    """Switches torch's repeatable algorithms on."""

    def on(self) -> None:
        torch.use_deterministic_algorithms(True)


@pytest.fixture
def fixed() -> Iterator[Fixed]:
    yield Fixed()
    torch.use_deterministic_algorithms(False)


def test_nothing_is_left_behind(gpu: torch.device) -> None:
    class Columns(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, 0].mT

    for model in (
        small(),
        MusicCRNN(["C4"], width_mult=0.05),
        CaseFolded(small()),
        CTCRecognizer(Columns(), "a-z", size=32),
        WithShortcut(small()),
    ):
        assert not left_behind(model.to(gpu), gpu)
        assert not left_behind(model.to("cpu"), torch.device("cpu"))


def test_saved_on_one_device_and_read_on_the_other(gpu: torch.device, tmp_path: Path) -> None:
    model = small().to(gpu)
    # Statistics and counts of a batch must come along.
    model(torch.randn(2, 1, 32, 100, device=gpu), labels=["ab", "c"])
    model.save_pretrained(tmp_path / "there")
    here = CRNN.from_pretrained(tmp_path / "there")
    assert {each.device.type for each in here.state_dict().values()} == {"cpu"}
    assert bit_equal(here.state_dict(), model.state_dict())
    here.save_pretrained(tmp_path / "back")
    back = CRNN.from_pretrained(tmp_path / "back").to(gpu).eval()
    assert bit_equal(back.state_dict(), model.state_dict())
    images = torch.randn(2, 1, 32, 100, device=gpu)
    with torch.no_grad():
        torch.testing.assert_close(back(images).log_probs, model.eval()(images).log_probs, atol=1e-6, rtol=0)


def test_compiled_code_gives_the_same(gpu: torch.device) -> None:
    skip_without_a_compiler(gpu)
    model, images = small().to(gpu).eval(), torch.randn(2, 1, 32, 48, device=gpu)
    with torch.no_grad():
        found, expected = torch.compile(model)(images), model(images)
    torch.testing.assert_close(found.log_probs, expected.log_probs, atol=1e-5, rtol=1e-5)


def strings(text: str, number: int) -> list[np.ndarray]:
    """A text in several fonts, in clean print."""
    draw, random = TextRenderer(fonts_everywhere()[:1], strength=0.0), np.random.default_rng(0)
    return [draw(text, random).picture for _ in range(number)]


def staff(places: list[int]) -> np.ndarray:
    """Notes on a staff, 0 on its lowest line."""
    picture = Image.new("L", (24 * len(places) + 48, 64), 255)
    draw = ImageDraw.Draw(picture)
    for line in range(5):
        draw.line([(0, 44 - 6.25 * line), (picture.width, 44 - 6.25 * line)], fill=110)
    draw.rectangle((6, 12, 14, 52), fill=0)
    for index, place in enumerate(places):
        x, y = 36 + 24 * index, 44 - 3.125 * place
        draw.ellipse((x - 4, y - 3, x + 4, y + 3), fill=0)
        draw.line([(x + 4, y), (x + 4, y - 20)] if place < 4 else [(x - 4, y), (x - 4, y + 20)], fill=0)
    return np.array(picture)


@pytest.mark.parametrize("name", sorted(OWN))
def test_weights_that_come_along_read_the_same(gpu: torch.device, name: str) -> None:
    pictures, written = {
        "rendered": ([*strings("reading", 1), *strings("Any width", 1)], ["reading", "Any width"]),
        "digits": ([255 - each for each in strings("31415", 2)], None),
        "music": ([staff([5, 7, 6, 7, 2]), staff([0, 1, 2])], ["C5 E5 D5 E5 G4", "E4 F4 G4"]),
    }[name]
    there, here = crnn_pretrained(name).to(gpu), crnn_pretrained(name)
    found, expected = there.recognize(pictures), here.recognize(pictures)
    assert [each.text for each in found] == [each.text for each in expected]
    assert [each.spans for each in found] == [each.spans for each in expected]
    assert [each.score for each in found] == pytest.approx([each.score for each in expected], rel=1e-3)
    assert all(each.text for each in found)
    assert written is None or [each.text for each in found] == written


def test_searches_take_frames_on_the_device(gpu: torch.device) -> None:
    model = crnn_pretrained("rendered")
    batch = model.processor()(strings("reading", 1))
    there = model.to(gpu).eval()(batch["images"].to(gpu), batch["widths"].to(gpu)).log_probs.detach()
    here = there.cpu()
    alphabet, lengths = model.alphabet, torch.tensor([here.shape[1]])
    assert ctc_greedy(there, lengths.to(gpu), alphabet) == ctc_greedy(here, lengths, alphabet) == ["reading"]
    for one, other in zip(*(ctc_beam(each[0], alphabet, top_k=3) for each in (there, here)), strict=True):
        assert one.text == other.text
        assert one.log_prob == pytest.approx(other.log_prob, abs=1e-9)
    label = alphabet.encode("reading")
    assert ctc_align(there[0], label) == ctc_align(here[0], label)
    words = ["reading", "leading", "bread", "road", *(f"heading{index}" for index in range(80))]
    lexicon = Lexicon(words)
    for mode, delta in (("nearest", 1), ("nearest", 9), ("exact", 0)):
        one = lexicon.decode(there[0], alphabet, mode=mode, delta=delta, top_k=2)  # type: ignore[arg-type]
        other = lexicon.decode(here[0], alphabet, mode=mode, delta=delta, top_k=2)  # type: ignore[arg-type]
        assert [each.text for each in one] == [each.text for each in other] == ["reading", "leading"]
        assert [each.log_prob for each in one] == pytest.approx([each.log_prob for each in other], abs=1e-4)
    for each in (None, lexicon):
        one, other = model.transcribe(there[0], each), model.transcribe(here[0], each)
        assert (one.text, one.raw, one.spans) == (other.text, other.raw, other.spans)
        assert one.score == pytest.approx(other.score, rel=1e-4)
    read = model.recognize(strings("reading", 1), lexicon)
    assert [each.text for each in read] == ["reading"]
    # A picture that lies on the device itself.
    assert model.recognize(torch.from_numpy(strings("reading", 1)[0]).to(gpu))[0].text == "reading"


def test_a_reader_on_the_device_is_written_as_onnx(gpu: torch.device, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="ONNX files are written with the extra onnx")
    model = small().to(gpu).train()
    model.to_onnx(tmp_path / "reader.onnx")
    assert model.training
    assert not left_behind(model, gpu)
    runtime = pytest.importorskip("onnxruntime", reason="ONNX files are read with onnxruntime")
    session = runtime.InferenceSession(tmp_path / "reader.onnx", providers=["CPUExecutionProvider"])
    images = torch.randn(3, 1, 32, 61)
    with torch.no_grad():
        expected = model.eval()(images.to(gpu)).log_probs
    (found,) = session.run(None, {"images": images.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), expected.cpu(), atol=1e-5, rtol=1e-4)


def test_it_learns_a_word_there(gpu: torch.device) -> None:
    training, images = WithShortcut(small()).to(gpu).train(), torch.randn(4, 1, 32, 48, device=gpu)
    optimizer = torch.optim.AdamW(training.parameters(), lr=1e-2)
    labels = training.model.alphabet.targets(["ab", "ba", "aa", "bb"])[0].reshape(4, 2).to(gpu)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        with torch.autocast(gpu.type, dtype=torch.bfloat16):
            loss = training(images, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_experiment_runs_there(
    gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path))
    parts = ["digit_strings", "rendered", "scene_text", "music"]
    outcome = run(plan("crnn", scale="smoke", seeds=1, parts=parts, device=str(gpu)), jobs=1, progress=False)
    assert not outcome.failed, outcome.failed[0]
    assert not outcome.diverged
    assert {unit.needs for unit in outcome.needs} <= set(catalogue.paper("crnn").data)
