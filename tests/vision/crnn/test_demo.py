from pathlib import Path

import pytest
from PIL import Image

from octavo.cli import main
from octavo.errors import OctavoError
from octavo.vision.crnn.demo import demo


def test_a_file_is_read_with_its_probability_and_a_figure(tmp_path: Path) -> None:
    Image.new("RGB", (200, 50), "white").save(tmp_path / "blank.png")
    told = demo(tmp_path / "blank.png", weights="rendered")
    assert 0 <= told["confidence"] <= 1
    assert set(told) == {"text", "confidence", "raw", "beam", "weights", "figure"}
    assert len(told["beam"]) == 3
    told["figure"].savefig(tmp_path / "read.png")
    assert (tmp_path / "read.png").stat().st_size > 5000


def test_the_command_takes_a_file_and_prints_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (120, 40), 255).save(tmp_path / "blank.png")
    assert main(["demo", "crnn", str(tmp_path / "blank.png"), "--weights", "rendered"]) == 0
    out = capsys.readouterr().out
    assert "confidence" in out
    assert "trained on rendered text alone" in out


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(OctavoError, match="cannot be read as a picture"):
        demo(tmp_path / "text.png")
    with pytest.raises(OctavoError, match="There is no file"):
        demo(tmp_path / "gone.png")
