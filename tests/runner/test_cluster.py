from pathlib import Path

import pytest

from octavo import runner
from octavo.errors import OctavoError


def test_a_local_ray_cluster_makes_the_same_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is an extra: pip install 'octavo[cluster]'")
    here = runner.run(runner.plan("small_lines", "smoke"), jobs=1, progress=False)
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "cluster"))
    there = runner.run(runner.plan("small_lines", "smoke"), ray="local", progress=False)
    assert len(there.done) == 7
    assert there.run.records() == here.run.records()
    record = there.run.records().where(metric="error")[0]
    assert (there.run.items(record) == here.run.items(record)).all()
    assert there.done[0].provenance["threads"] == 1


def test_a_cluster_that_does_not_answer_is_one_line() -> None:
    pytest.importorskip("ray", reason="ray is an extra: pip install 'octavo[cluster]'")
    with pytest.raises(OctavoError, match="time limit") as caught:
        runner.run(runner.plan("small_lines", "smoke"), ray="local", limit=3, progress=False)
    assert "\n" not in str(caught.value)
