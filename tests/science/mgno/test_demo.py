import time
from pathlib import Path

import numpy as np
import pytest
import torch

from octavo.errors import OctavoError
from octavo.runner.demos import demo_of
from octavo.science.mgno.demo import demo
from octavo.science.mgno.drawn import from_characters, from_picture


def test_it_learns_more_than_the_mean_and_draws() -> None:
    start = time.process_time()
    result = demo(steps=60)
    assert result["error_of_mgno"] < result["error_of_its_mean_pressure"]
    assert len(result["figure"].axes) >= 6
    assert "solver" in result["text"]
    assert time.process_time() - start < 10


def test_it_sees_what_was_drawn() -> None:
    result = demo("####/..../####", resolution=24, steps=1)
    medium = result["figure"].axes[0].images[0].get_array()
    assert medium.shape == (24, 24)
    assert np.unique(medium).tolist() == [3.0, 12.0]
    assert (medium[8:16] == 12).all()


def test_the_resolution_is_a_slider() -> None:
    inputs = {each.name: each for each in demo_of("mgno").inputs}
    assert inputs["resolution"].range is not None
    assert (inputs["resolution"].range.low, inputs["resolution"].range.high) == (16, 128)
    assert inputs["picture"].kind == "file"


def test_a_picture_is_dark_where_little_flows(tmp_path: Path) -> None:
    from PIL import Image

    levels = np.full((40, 40), 250, dtype=np.uint8)
    levels[:, :20] = 30
    Image.fromarray(levels).save(tmp_path / "wall.png")
    assert torch.equal(from_picture(tmp_path / "wall.png", 8), from_characters("#.", 8))
    Image.fromarray(levels[:, :20]).save(tmp_path / "plain.png")
    with pytest.raises(OctavoError, match="one level of grey only"):
        from_picture(tmp_path / "plain.png", 8)
    (tmp_path / "none.png").write_bytes(b"no picture")
    with pytest.raises(OctavoError, match="cannot be read as a picture"):
        from_picture(tmp_path / "none.png", 8)
    with pytest.raises(OctavoError, match="There is no file"):
        from_picture(tmp_path / "absent.png", 8)


@pytest.mark.parametrize("drawing", ["#x/..", "##/.", "/", " "])
def test_other_drawings_are_refused(drawing: str) -> None:
    with pytest.raises(OctavoError, match="rows of # and"):
        from_characters(drawing, 8)


def test_it_refuses_what_takes_too_long() -> None:
    with pytest.raises(ValueError, match="from 16 to 128"):
        demo(resolution=1024)
