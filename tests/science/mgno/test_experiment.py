import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from octavo import catalogue, data
from octavo.ledger import judge
from octavo.runner import Outcome, plan, run
from octavo.science.mgno.scales import SCALES

PAPER = catalogue.paper("mgno")
SECONDS = 20  # with shapes checked; a third of it without


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outcome, float]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCTAVO_RUNS", str(tmp_path_factory.mktemp("runs")))
        units = plan("mgno", scale="smoke", seeds=1)
        start = time.process_time()
        outcome = run(units, jobs=1, progress=False)
        yield outcome, time.process_time() - start


def installed() -> bool:
    from importlib.util import find_spec

    return find_spec("neuralop") is not None


def test_every_part_runs_or_says_what_it_needs(smoke: tuple[Outcome, float]) -> None:
    outcome, seconds = smoke
    assert not outcome.failed, outcome.failed[0]
    assert not outcome.diverged
    here = installed() and all(data.available(name) for name in PAPER.data)
    assert bool(outcome.needs) != here
    assert {unit.needs for unit in outcome.needs} <= {*PAPER.data, "neuraloperator"}
    assert seconds < SECONDS


def test_every_claim_that_can_be_is_measured(smoke: tuple[Outcome, float]) -> None:
    missing = {unit.needs for unit in smoke[0].needs}
    for judgement in judge(PAPER, smoke[0].run.records()):
        assert judgement.seeds or missing & set(judgement.claim.needs), judgement.claim.id


def test_the_identity_and_the_contraction_hold_even_at_smoke_scale(smoke: tuple[Outcome, float]) -> None:
    records = smoke[0].run.records()
    assert max(records.where(system="multigrid", metric="max_error").values()) <= 1e-12
    rates = records.where(system="v_cycle", metric="contraction").values()
    assert len(rates) == 4
    assert max(rates) <= 0.40
    assert max(rates) - min(rates) <= 0.05


def test_controls_are_recorded_beside_the_systems(smoke: tuple[Outcome, float]) -> None:
    records = smoke[0].run.records()
    assert min(records.where(system="layer_norm", metric="max_error").values()) > 1e-6
    assert min(records.where(system="jacobi", metric="contraction").values()) > 0.9
    assert records.where(system="multigrid", dataset="v_cycle", metric="speedup").values()[0] > 0
    assert (
        min(records.where(system="few_coarse_sweeps", dataset="poisson", at={"points": 255.0}).values()) > 0
    )
    for claim in PAPER.claims:
        here = installed() or "neuraloperator" not in claim.needs
        assert not here or set(claim.controls) <= set(records.systems)


def test_rivals_of_one_layer_have_no_more_than_their_share_of_parameters() -> None:
    from octavo.science.mgno.baselines import real_parameters
    from octavo.science.mgno.systems import linear_layers

    for config in (SCALES["laptop"], SCALES["gpu"], SCALES["paper"]):
        with torch.device("meta"):
            # Only counted: the dense matrix of the paper's scale would fill a gigabyte.
            size = {
                name: real_parameters(make()) for name, make in linear_layers(config.green_points).items()
            }
        fair = {name: n for name, n in size.items() if name not in ("dense", "multigrid")}
        assert max(fair.values()) <= 1.2 * size["multigrid"] or config.green_points > 32


def test_convolutional_networks_have_one_size() -> None:
    from octavo.science.mgno.baselines import real_parameters
    from octavo.science.mgno.systems import convolutional
    from octavo.science.mgno.tasks import make_task

    task = make_task("helmholtz", 33, 2, 1, 0, omega=100.0)
    sizes = [real_parameters(make()) for make in convolutional(SCALES["laptop"], task).values()]
    assert max(sizes) <= 1.1 * sizes[0]
    assert min(sizes) >= 0.9 * sizes[0]


@pytest.mark.parametrize("scale", SCALES)
def test_networks_fit_the_grids_of_every_scale(scale: str) -> None:
    from octavo.science.mgno.checks import least_grid
    from octavo.science.mgno.systems import mgno
    from octavo.science.mgno.tasks import Task

    config = SCALES[scale]
    grids = {"darcy": config.points, "helmholtz": config.wave_points, "navier_stokes": config.flow_points}
    for name, points in grids.items():
        fields = torch.zeros(1, 1, points, points)
        model = mgno(config, Task(name, (fields, fields), (fields, fields), "dirichlet"), width=2)
        assert least_grid(len(model.operators[0].levels)) <= points


def test_figures_are_drawn(smoke: tuple[Outcome, float]) -> None:
    outcome, _ = smoke
    # A picture of data that are not here has no records to show.
    absent = "it has too few records" if outcome.needs else "nothing is absent"
    assert not any("drawn" in note and absent not in note for note in outcome.notes), outcome.notes
    drawn = {path.stem for path in outcome.figures}
    assert {"contraction_of_a_cycle", "error_of_one_layer", "padding_and_boundary"} <= drawn
    assert all(Path(path).stat().st_size > 5000 for path in outcome.figures)


def test_every_panel_has_ticks(smoke: tuple[Outcome, float]) -> None:
    from octavo.lab import house_style
    from octavo.science.mgno.experiment import accuracy_on_darcy

    with house_style():
        figure = accuracy_on_darcy(smoke[0].run.records())
        figure.canvas.draw()
    assert len(figure.axes) >= 2
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            shown = [t for t in axis.get_ticklabels() if t.get_text()]
            assert any(low <= place <= high for place in axis.get_ticklocs())
            assert shown


def test_a_learned_part_gives_the_same_numbers_again(
    smoke: tuple[Outcome, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVO_RUNS", str(tmp_path))
    again = run(plan("mgno", scale="smoke", seeds=1, parts=["green"]), jobs=1, progress=False).run.records()
    first = smoke[0].run.records().where(part="green")
    assert {record.key: record.value for record in first} == {record.key: record.value for record in again}
