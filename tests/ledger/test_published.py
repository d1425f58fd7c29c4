import itertools
import json
import platform
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from octavo import catalogue, ledger, runner
from octavo.errors import OctavoError
from octavo.lab.folder import Run, UnitLine
from octavo.lab.records import Record
from octavo.ledger import markdown, published, publishing, verification
from octavo.ledger.leaderboard import tables

CARD = """
title = "Two numbers"
arxiv = "2401.00002"
year = 2024
authors = ["Nobody"]
venue = "tests"
summary = "Draws two numbers. It exists for the tests."
tasks = ["optimisation"]

[[claims]]
id = "better"
says = "The first is | larger."
figure = "1 against 0"
source = "Table 1"
kind = "direction"
condition = "accuracy(first, coins) > accuracy(second, coins)"
seeds = 3
controls = ["third"]
caveat = "Only a test."

[[claims]]
id = "floor"
says = "It is above the floor."
figure = "none"
source = "a test"
kind = "direction"
condition = "accuracy(first, coins) > accuracy(floor, coins)"
seeds = 3

[[claims]]
id = "fast"
says = "It is fast on a GPU."
figure = "2 times"
source = "Table 2"
kind = "size"
condition = "seconds(second, coins) / seconds(first, coins) >= 2"
seeds = 3
scale = "gpu"
needs = ["gpu"]
"""
EXPERIMENT = '''
"""Two numbers."""

from dataclasses import dataclass

from octavo.lab import Lab, part


@dataclass(frozen=True)
class Config:
    """How far apart."""

    seeds: int = 3
    """How many seeds each part is run with."""
    gap: float = 0.5
    """How much larger the first is."""


SCALES = {"smoke": Config(seeds=2), "laptop": Config(), "gpu": Config(gap=0.25)}


@part
def draw(config: Config, lab: Lab) -> None:
    """Both numbers."""
    noise = (lab.key("noise") % 1000) / 100000
    lab.record(system="first", dataset="coins", metric="accuracy", value=config.gap + noise)
    lab.record(system="second", dataset="coins", metric="accuracy", value=noise)


@part(seeds=1)
def floor(config: Config, lab: Lab) -> None:
    """What chance gives."""
    lab.record(system="floor", dataset="coins", metric="accuracy", value=0.01, items=[0.01, 0.01])


@part(seeds=1, timed=True)
def clock(config: Config, lab: Lab) -> None:
    """Seconds."""
    import time

    lab.record(system="first", dataset="coins", metric="seconds", value=time.perf_counter())
'''
README = f"# Two numbers\n\n{markdown.BEGIN}\n{markdown.END}\n\nThe end.\n"
COUNT = itertools.count()
CLEAN = {"commit": "0123abc", "dirty": False, "code": "", "cpu": "a processor", "threads": 1}


@pytest.fixture
def card(papers_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> catalogue.Paper:
    # A module is imported once under one name, so that each test has a paper of its own.
    slug = f"two_numbers_{next(COUNT)}"
    folder = papers_folder / "learning" / slug
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('"""Two numbers."""\n')
    (folder / "paper.toml").write_text(CARD)
    (folder / "experiment.py").write_text(EXPERIMENT)
    (folder / "README.md").write_text(README)
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path / "runs"))
    return catalogue.paper(slug)


def made_run(card: catalogue.Paper, scale: str = "laptop", gap: float = 0.5, **changes: Any) -> Run:
    """A run as the runner leaves it, without the time that it takes."""
    plan = runner.plan(card, scale, changes.pop("overrides", None))
    run = plan.create()
    for unit in plan.units:
        if (unit.part, unit.seed) == changes.get("absent"):
            continue
        place = {"paper": card.slug, "part": unit.part, "seed": unit.seed, "scale": scale, "dataset": "coins"}
        if unit.part == "draw":
            noise = 0.001 * unit.seed
            run.append(Record(system="second", metric="accuracy", value=noise, **place))
            run.append(Record(system="first", metric="accuracy", value=gap + 1.5 * noise, **place))
        elif unit.part == "floor":
            run.append(Record(system="floor", metric="accuracy", value=0.01, **place))
        else:
            run.append(Record(system="first", metric="seconds", value=1.5, **place))
        status = changes.get("status", "done") if unit.part == "draw" else "done"
        provenance = {**CLEAN, "code": unit.code, **changes.get("provenance", {})}
        run.append_unit(
            UnitLine(
                card.slug,
                unit.part,
                unit.seed,
                scale,
                status,
                why=changes.get("why", ""),
                provenance=provenance,
            )
        )
    return run


def verdicts(card: catalogue.Paper) -> dict[str, str]:
    return {judgement.id: judgement.verdict for judgement in published.judgements(card)}


def test_nothing_is_published_at_first(card: catalogue.Paper) -> None:
    assert len(published.records(card)) == 0
    assert verdicts(card) == {"better": "undecided", "floor": "undecided", "fast": "needs gpu"}


def test_a_run_is_published_and_judged(card: catalogue.Paper) -> None:
    run = made_run(card)
    folder = ledger.publish(card, run)
    assert folder == card.folder / "published"
    assert sorted(path.name for path in folder.iterdir()) == ["records.jsonl", "run.json", "units.jsonl"]
    assert {r.key for r in published.records(card)} == {r.key for r in run.records()}
    # The floor has one seed by design.
    assert verdicts(card) == {"better": "holds", "floor": "holds", "fast": "needs gpu"}
    assert published.history(card) == []


def test_a_run_tells_what_will_be_published(card: catalogue.Paper) -> None:
    run = made_run(card)
    own = {judgement.id: judgement.verdict for judgement in ledger.judge_run(card, run)}
    ledger.publish(card, run)
    assert own == verdicts(card)


def test_publishing_twice_gives_the_same_bytes(card: catalogue.Paper) -> None:
    run = made_run(card)
    folder = ledger.publish(card, run)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    lines = (run.folder / "records.jsonl").read_text().splitlines()
    (run.folder / "records.jsonl").write_text("\n".join(lines[::-1] + lines[:3]) + "\n")
    ledger.publish(card, Run(run.folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_changed_verdict_is_remembered(card: catalogue.Paper) -> None:
    ledger.publish(card, made_run(card))
    run = made_run(card, gap=-0.5, provenance={"commit": "feed"})
    ledger.publish(card, run)
    (first, second) = published.history(card)
    assert (first["claim"], first["old"], first["new"], first["commit"]) == (
        "better",
        "holds",
        "does not hold",
        "feed",
    )
    assert second["claim"] == "floor"
    ledger.publish(card, run)
    assert len(published.history(card)) == 2
    assert "better was *holds*, is *does not hold*" in markdown.readme_block(card)


def test_scales_lie_side_by_side(card: catalogue.Paper) -> None:
    ledger.publish(card, made_run(card))
    assert ledger.publish(card, made_run(card, "gpu", 0.25)) == card.folder / "published" / "gpu"
    assert [run.scale for run in published.runs(card)] == ["laptop", "gpu"]
    assert {record.scale for record in published.records(card)} == {"laptop", "gpu"}
    assert verdicts(card)["better"] == "holds"


@pytest.mark.parametrize(
    ("scale", "changes", "message", "helped_by_force"),
    [
        ("smoke", {}, "scale smoke only show", False),
        ("laptop", {"provenance": {"dirty": True}}, "uncommitted changes", False),
        ("laptop", {"provenance": {"commit": "", "dirty": None}}, "uncommitted changes", False),
        ("laptop", {"absent": ("draw", 2)}, r"not complete: draw \(seed 2\) was not measured", False),
        (
            "laptop",
            {"status": "failed", "why": "ValueError: no"},
            r"draw \(seed 0\) failed: ValueError: no",
            True,
        ),
        ("laptop", {"provenance": {"code": "deadbeef"}}, "other code", True),
        ("laptop", {"overrides": {"gap": 2.0}}, "flags are not those of scale laptop", True),
    ],
)
def test_what_may_not_be_published(
    card: catalogue.Paper, scale: str, changes: dict[str, Any], message: str, helped_by_force: bool
) -> None:
    run = made_run(card, scale, **changes)
    with pytest.raises(OctavoError, match=message):
        ledger.publish(card, run)
    assert not published.runs(card)
    if helped_by_force:
        ledger.publish(card, run, force=True)
        assert published.runs(card)
    else:
        with pytest.raises(OctavoError, match=message):
            ledger.publish(card, run, force=True)


def test_a_run_of_another_paper_is_refused(card: catalogue.Paper) -> None:
    run = made_run(card)
    description = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps({**description, "paper": "aaren"}))
    with pytest.raises(OctavoError, match="is a run of aaren, not of two_numbers"):
        ledger.publish(card, Run(run.folder))


def test_nothing_of_the_machine_is_kept(card: catalogue.Paper, tmp_path: Path) -> None:
    secret = tmp_path / "home" / "somebody"
    host = f"node-{platform.node()}" if len(platform.node()) <= 3 else platform.node()
    provenance = {"command": [str(secret / "octavo"), f"--root={secret}"], "notes": {"where": f"{host}"}}
    run = made_run(card, why=f"Kept in '{secret}/x.ts'.", provenance=provenance)
    folder = ledger.publish(card, run)
    text = "".join(path.read_text() for path in folder.iterdir())
    assert str(tmp_path) not in text
    assert "somebody/" not in text
    assert "'x.ts'" in text
    if host == platform.node():
        assert host not in text


def test_items_are_published_while_they_are_small(
    card: catalogue.Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = runner.run(runner.plan(card), jobs=1, progress=False)
    target = card.folder / "published"
    publishing.write(outcome.run, target)
    (record,) = [each for each in published.records(card) if each.items]
    assert Run(target).items(record).tolist() == [0.01, 0.01]
    monkeypatch.setattr(publishing, "MOST_ITEMS", 10)
    publishing.write(outcome.run, target)
    assert not any(each.items for each in published.records(card))
    assert not (target / "items").exists()


def test_items_of_a_data_set_are_kept_together_the_smallest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(system: str, dataset: str, size: int) -> Record:
        name = f"items/{system}-{dataset}.npz"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
        return Record(
            paper="p", part="q", system=system, dataset=dataset, metric="accuracy", value=0.5, items=name
        )

    records = [
        record(system, dataset, size)
        for dataset, size in (("large", 400), ("small", 100), ("middle", 300))
        for system in ("first", "second")
    ]
    run = SimpleNamespace(folder=tmp_path)
    monkeypatch.setattr(publishing, "MOST_ITEMS", 1000)
    kept = publishing._kept_items(run, records)  # type: ignore[arg-type]
    assert kept == {f"items/{s}-{d}.npz" for d in ("small", "middle") for s in ("first", "second")}
    (tmp_path / "items/first-small.npz").unlink()
    kept = publishing._kept_items(run, records)  # type: ignore[arg-type]
    assert kept == {"items/first-middle.npz", "items/second-middle.npz"}


def test_items_that_claims_are_judged_by_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(system: str, dataset: str) -> Record:
        name = f"items/{system}-{dataset}.npz"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(300 if dataset == "large" else 100))
        return Record(
            paper="p", part="q", system=system, dataset=dataset, metric="accuracy", value=0.5, items=name
        )

    records = [record(system, dataset) for dataset in ("large", "small") for system in ("a", "b", "c")]
    run = SimpleNamespace(folder=tmp_path)
    monkeypatch.setattr(publishing, "MOST_ITEMS", 700)
    judged = {(system, "large", "accuracy") for system in ("a", "b")}
    kept = publishing._kept_items(run, records, judged)  # type: ignore[arg-type]
    assert kept == {"items/a-large.npz", "items/b-large.npz"}
    monkeypatch.setattr(publishing, "MOST_ITEMS", 1000)
    kept = publishing._kept_items(run, records, judged)  # type: ignore[arg-type]
    assert kept == {"items/a-large.npz", "items/b-large.npz", *(f"items/{s}-small.npz" for s in "abc")}


def test_the_readme_holds_the_verdicts(card: catalogue.Paper) -> None:
    assert "Nothing is published yet" in markdown.readme_block(card)
    ledger.publish(card, made_run(card))
    path = card.folder / "README.md"
    assert "README.md is not what the records say" in markdown.check_readme(card)
    assert markdown.write_readme(card)
    assert not markdown.write_readme(card)
    assert markdown.check_readme(card) == ""
    text = path.read_text()
    assert "The first is \\| larger." in text
    assert "**holds** (laptop: 3 seeds)" in text
    assert "`octavo run" in text
    assert "the control third was not measured" in text
    assert text.startswith("# Two numbers")
    assert text.endswith("The end.\n")
    path.write_text(text.replace("**holds**", "**does not hold**"))
    assert "from line" in markdown.check_readme(card)
    path.write_text("No place.")
    with pytest.raises(OctavoError, match=r"needs the lines `<!-- verdicts:begin -->`"):
        markdown.write_readme(card)


def test_the_ledger_counts_everything(card: catalogue.Paper, tmp_path: Path) -> None:
    ledger.publish(card, made_run(card))
    found = published.judgements(card)
    assert markdown.counts(found) == {
        "holds": 2,
        "in direction": 0,
        "does not hold": 0,
        "undecided": 0,
        "needs": 1,
        "not measured": 0,
    }
    wrong, decided = markdown.expected_false(found)
    assert (wrong, decided) == (pytest.approx(0.05), 2)
    path = tmp_path / "LEDGER.md"
    assert "absent" in markdown.check_ledger(path)
    assert markdown.write_ledger(path)
    assert markdown.check_ledger(path) == ""
    text = path.read_text()
    claims = sum(len(paper.claims) for paper in catalogue.papers()) - len(card.claims)
    assert f"\n{claims} claims of" in text
    assert "does not hold" in text.split("\n## ")[0]
    assert card.slug not in text, "the ledger of octavo holds octavo's own papers"


def test_systems_are_compared_best_first(card: catalogue.Paper) -> None:
    ledger.publish(card, made_run(card))
    rows = ledger.compare("COINS")
    assert [(row.system, row.metric) for row in rows] == [
        ("first", "accuracy"),
        ("floor", "accuracy"),
        ("second", "accuracy"),
        ("first", "seconds"),
    ]
    first = rows[0]
    assert (first.seeds, first.better, first.paper) == (3, "higher", card.slug)
    assert first.low < first.mean < first.high
    assert list(tables(rows)) == ["accuracy", "seconds"]
    assert {"system", "paper", "metric", "mean", "low", "high", "seeds"} <= set(rows[1].as_dict())
    assert rows[1].as_dict()["low"] is None
    with pytest.raises(OctavoError, match=r"Nothing was measured on 'coin'.*coins"):
        ledger.compare("coin")


def test_a_run_made_here_takes_the_place_of_the_published_one(card: catalogue.Paper) -> None:
    ledger.publish(card, made_run(card))
    here = made_run(card, gap=-0.5)
    assert ledger.compare("coins", [here])[-2].system == "first"
    assert {j.id: j.verdict for j in published.judgements(card, [here])}["better"] == "does not hold"


def test_a_paper_is_verified(card: catalogue.Paper, tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match="has no published records at scale laptop"):
        ledger.verify(card)
    run = runner.run(runner.plan(card), jobs=1, progress=False).run
    target = card.folder / "published"
    publishing.write(run, target, once=("floor", "clock"))
    found = ledger.verify(card, seeds=2, jobs=1, progress=False)
    states = {(row.system, row.metric): row.state for row in found.rows}
    assert states == {
        ("first", "accuracy"): "equal",
        ("second", "accuracy"): "equal",
        ("floor", "accuracy"): "equal",
        ("first", "seconds"): "timing",
    }
    assert found.passed
    assert found.same_machine
    assert found.rows[0].seeds == (0, 1)
    lines = (target / "records.jsonl").read_text().replace('"value": 0.01,', '"value": 0.02,')
    (target / "records.jsonl").write_text(lines)
    found = ledger.verify(card, seeds=1, parts=["floor"], jobs=1, progress=False, folder=tmp_path / "again")
    assert [(row.system, row.state, row.passed) for row in found.rows] == [("floor", "outside", False)]
    assert not found.passed
    assert found.rows[0].as_dict()["again"] == 0.01


def test_new_numbers_may_lie_within_the_spread_of_seeds() -> None:
    def records(*values: float, metric: str = "accuracy") -> list[Record]:
        return [Record("p", "part", "a", "D", metric, value, seed=seed) for seed, value in enumerate(values)]

    def state(old: list[Record], new: list[Record], timed: tuple[str, ...] = ()) -> str:
        (row,) = verification.compare(old, new, timed)
        return row.state

    known = records(0.90, 0.91, 0.92)
    assert state(known, records(0.92)) == "inside"
    assert state(known, records(0.99)) == "outside"
    assert state(known, [Record("p", "part", "b", "D", "accuracy", 0.9)]) == "absent"
    assert state(records(100.0, metric="parameters"), records(101.0, metric="parameters")) == "outside"
    assert state(records(0.5), records(0.5001)) == "inside"
    assert state(records(1.1, metric="slope"), records(1.3, metric="slope")) == "outside"
    assert state(records(1.1, metric="slope"), records(1.3, metric="slope"), ("part",)) == "timing"
    assert state(records(float("nan")), records(float("nan"))) == "equal"
    assert state(records(float("nan")), records(0.5)) == "outside"
