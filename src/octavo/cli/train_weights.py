"""`octavo train-weights PAPER`: trains the small weights that come with a paper, with their provenance."""

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import tyro

from octavo import catalogue
from octavo.cli import output
from octavo.cli.parse import PaperName, call
from octavo.errors import OctavoError

LARGEST = 12_000_000
"""Bytes that weights may have to come with octavo."""


def main(arguments: list[str]) -> int:
    """Reads the arguments and trains."""
    return call(train_weights, arguments, "octavo train-weights")


def train_weights(
    paper: PaperName,
    name: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME")] = (),
    to: Path | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> int:
    """Trains the weights that come with a paper; one that was interrupted goes on where it was.

    Beside the weights stands provenance.json: commit, versions, machine, time, and what was measured.

    Args:
        paper: its slug, as `octavo papers` lists it.
        name: only these weights; may be given several times.
        to: the folder that they go to; that of the paper when left out.
        device: where to train, as torch names it.
        seed: of every random choice.
    """
    from octavo.lab.reference import weights_of

    card = catalogue.paper(paper)
    if not card.runs:
        raise OctavoError(f"{card.slug} does not run yet, so it has no weights.")
    found = {each.name: each for each in weights_of(import_module(f"{card.module}.experiment"))}
    if not found:
        raise OctavoError(f"{card.slug} comes without weights; there is nothing to train.")
    if unknown := sorted(set(name) - set(found)):
        raise OctavoError(f"{card.slug} has no weights {unknown[0]!r}. It has {', '.join(found)}.")
    for each in name or tuple(found):
        place = _train(card, found[each], (to or card.folder / "weights") / each, device, seed)
        print(f"wrote {output.relative(place)}")
    return 0


def _train(card: catalogue.Paper, weights: Any, folder: Path, device: str, seed: int) -> Path:
    import torch

    from octavo.lab import Lab
    from octavo.lab.folder import runs_root
    from octavo.lab.provenance import Stopwatch, code_hash
    from octavo.runner.execution import Collected

    torch.set_num_threads(1)
    watch, measured = Stopwatch(), Collected()
    work = runs_root() / card.slug / f"weights-{weights.name}-{seed}"
    lab = Lab(
        card.slug,
        f"weights-{weights.name}",
        seed,
        writer=measured,
        work=work,
        device=device,
        report=_Progress(),
        say=print,
    )
    model = weights(lab)
    # Before the weights are written: they are no change of the code that made them.
    provenance = watch.provenance(device=device, threads=1, code=code_hash(card.folder))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # an empty form of the hub's
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if size > LARGEST:
        raise OctavoError(f"{output.relative(folder)} has {size:,} bytes; what octavo ships has {LARGEST:,}.")
    told = {
        "paper": card.slug,
        "name": weights.name,
        "summary": weights.summary,
        "seed": seed,
        "bytes": size,
        "measured": [
            {"dataset": record.dataset, "metric": record.metric, "value": record.value, "unit": record.unit}
            for record, _ in measured.records
        ],
        **provenance,
    }
    text = json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / "provenance.json").write_text(text + "\n", encoding="utf-8")
    return folder


class _Progress:
    """A line for every twentieth part of a training."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, report: Any) -> None:
        if report.get("kind") != "step":
            return
        part = 20 * report["step"] // max(1, report["steps"])
        if part != self._told:
            self._told = part
            print(
                f"{report['fit']}: step {report['step']} of {report['steps']}, loss {report['loss']:.3f}, "
                f"{report['seconds_left'] / 60:.1f} minutes left",
                flush=True,
            )
