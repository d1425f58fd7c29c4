"""Three trainings of different shapes, and a driver that kills them at given steps and starts them again.

    python shapes.py FOLDER

prints a JSON object: for each shape, whether the killed trainings ended exactly as the undisturbed one.
Each run is a forked process, so that torch is imported once.
"""

import functools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from octavo.lab.batches import TensorData
from octavo.lab.checkpoint import Checkpoints
from octavo.lab.fit import fit
from octavo.lab.loop import Loop
from octavo.lab.randomness import generator
from octavo.lab.result import Fit
from octavo.lab.state import State

STEPS = 40
Outcome = tuple[Fit, dict[str, Tensor]]


def undisturbed_at(step: int) -> None:
    """Nothing happens at any step."""


class LanguageModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(13, 16)
        self.mixer = nn.GRU(16, 16, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(16, 13)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.dropout(self.mixer(self.embedding(tokens))[0]))


def language_model(
    folder: Path | None, at_step: Callable[[int], None] = undisturbed_at, device: str = "cpu"
) -> Outcome:
    """Dropout, a schedule, clipping, evaluation, the best weights."""
    torch.manual_seed(0)
    model = LanguageModel()
    tokens = torch.randint(13, (30, 9), generator=generator(0, "tokens"))

    def loss(model: nn.Module, batch: dict[str, Tensor], context: object) -> Tensor:
        at_step(context.step)
        logits = model(batch["tokens"][:, :-1])
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch["tokens"][:, 1:].flatten())

    def evaluate(model: nn.Module) -> dict[str, float]:
        told = tokens.to(device)
        logits = model(told[:, :-1])
        return {"accuracy": (logits.argmax(-1) == told[:, 1:]).double().mean()}

    result = fit(
        "language model",
        model,
        loss,
        TensorData(tokens=tokens),
        steps=STEPS,
        batch_size=8,
        learning_rate=1e-2,
        schedule="cosine",
        warmup_steps=3,
        clip_norm=1.0,
        evaluate=evaluate,
        evaluate_every=6,
        keep_best="accuracy",
        seed=3,
        device=device,
        folder=folder,
        checkpoint_every=7,
    )
    return result, model.state_dict()


def bilevel(
    folder: Path | None, at_step: Callable[[int], None] = undisturbed_at, device: str = "cpu"
) -> Outcome:
    """A guide that weights the target's samples: two optimizers, an inner loop, a counter and a tensor."""
    torch.manual_seed(1)
    guide, target = (
        nn.Linear(4, 1),
        nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1)),
    )
    guide.to(device)
    target.to(device)
    x = torch.randn(40, 4, generator=generator(1, "x"))
    state = State(
        guide=guide,
        target=target,
        guide_optimizer=torch.optim.Adam(guide.parameters(), lr=1e-2),
        target_optimizer=torch.optim.SGD(target.parameters(), lr=1e-2, momentum=0.9),
        running=torch.zeros((), device=device),
        inner_steps=0,
    )

    def step(state: State, batch: dict[str, Tensor], context: object) -> dict[str, Tensor]:
        at_step(context.step)
        for inner in range(2):
            noise = torch.randn(batch["x"].shape, generator=context.generator("noise", inner))
            noise = noise.to(device)
            weights = state.guide(batch["x"]).sigmoid().detach()
            loss = (weights * (state.target(batch["x"] + 0.1 * noise) - batch["y"]).square()).mean()
            context.backward(loss)
            context.update(state.target_optimizer, clip_norm=1.0)
            state.inner_steps += 1
        guide_loss = (
            state.guide(batch["x"]).sigmoid() * (state.target(batch["x"]) - batch["y"]).detach().square()
        ).mean()
        context.backward(guide_loss)
        context.update(state.guide_optimizer)
        state.running = 0.9 * state.running + 0.1 * loss.detach()
        return {"loss": loss, "guide_loss": guide_loss, "running": state.running, "inner": state.inner_steps}

    data = TensorData(x=x, y=x.sum(1, keepdim=True).sin())
    loop = Loop(
        step,
        state,
        data,
        steps=STEPS,
        batch_size=16,
        seed=5,
        device=device,
        folder=folder,
        checkpoint_every=7,
    )
    result = loop.run()
    weights = {
        f"{part}.{name}": value
        for part, module in state.modules().items()
        for name, value in module.state_dict().items()
    }
    return result, weights


def graph(
    folder: Path | None, at_step: Callable[[int], None] = undisturbed_at, device: str = "cpu"
) -> Outcome:
    """A full batch: every node at every step, with dropped edges and batch normalisation."""
    torch.manual_seed(2)
    features = torch.randn(20, 5, generator=generator(2, "features"))
    edges = (torch.rand(20, 20, generator=generator(2, "edges")) < 0.2).float()
    labels = torch.randint(3, (20,), generator=generator(2, "labels"))
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))

    def loss(model: nn.Module, batch: dict[str, Tensor], context: object) -> dict[str, Tensor]:
        at_step(context.step)
        kept = nn.functional.dropout(edges.to(device), 0.5)
        logits = model((kept @ batch["x"]) / (kept.sum(1, keepdim=True) + 1))
        return {
            "loss": nn.functional.cross_entropy(logits, batch["y"]),
            "accuracy": (logits.argmax(-1) == batch["y"]).double().mean(),
        }

    data = TensorData(x=features, y=labels)
    result = fit(
        "graph",
        model,
        loss,
        data,
        steps=STEPS,
        batch_size=64,
        seed=7,
        device=device,
        folder=folder,
        checkpoint_every=7,
    )
    return result, model.state_dict()


SHAPES = {"language_model": language_model, "bilevel": bilevel, "graph": graph}


def same(first: Outcome, second: Outcome) -> bool:
    """Bit for bit: every number of every step, every evaluation, every weight."""
    return (
        repr(first[0].history) == repr(second[0].history)
        and first[0].evaluations == second[0].evaluations
        and first[0].best == second[0].best
        and first[0].steps == second[0].steps
        and first[1].keys() == second[1].keys()
        and all(torch.equal(first[1][name], second[1][name]) for name in first[1])
    )


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: int, now: int) -> None:
    if now == step:
        die()


def forked(run: Callable[[], object]) -> bool:
    """Whether a forked process that runs this was killed."""
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def killed_while_saving(shape: str, folder: Path) -> bool:
    """Killed between the two files of the second checkpoint."""

    def run() -> None:
        from octavo.lab import checkpoint

        written = []
        write = checkpoint._write_file

        def write_and_die(path: Path, content: bytes) -> None:
            written.append(path)
            if len(written) == 7:  # three files and `latest` a checkpoint
                write(path, content[: len(content) // 2])
                die()
            write(path, content)

        checkpoint._write_file = write_and_die
        SHAPES[shape](folder)

    return forked(run)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    steps = {
        "language_model": (3, 11, 22, 29, 39),
        "bilevel": (1, 8, 20, 21, 36),
        "graph": (6, 7, 15, 30, 38),
    }
    outcome: dict[str, dict[str, bool]] = {}
    for name, shape in SHAPES.items():
        undisturbed = shape(None)
        place = folder / name
        deaths = [functools.partial(die_at, at) for at in steps[name]]
        killed = [forked(functools.partial(shape, place, death)) for death in deaths]
        torch.manual_seed(999)
        torn = folder / f"{name}-torn"
        outcome[name] = {
            "every process was killed": all(killed),
            "a checkpoint was there": Checkpoints(place).load() is not None,
            "ends as undisturbed": same(shape(place), undisturbed),
            "is read back": same(shape(place, die), undisturbed),
            "was killed while saving": killed_while_saving(name, torn),
            "survives a torn checkpoint": same(shape(torn), undisturbed),
        }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
