import time

import pytest

from octavo.science.mgno.demo import demo


def test_it_learns_more_than_the_mean_and_draws() -> None:
    start = time.process_time()
    result = demo(steps=60)
    assert result["error_of_mgno"] < result["error_of_its_mean_pressure"]
    assert len(result["figure"].axes) >= 6
    assert "solver" in result["text"]
    assert time.process_time() - start < 10


def test_it_refuses_what_takes_too_long() -> None:
    with pytest.raises(ValueError, match="from 16 to 128"):
        demo(resolution=1024)
