"""One process of several: the same trainings, printed by the first process as JSON, for comparison.

RANK=0 WORLD_SIZE=2 ... python ranks.py FOLDER ENGINE
"""

import json
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from octavo.errors import OctavoError
from octavo.lab.batches import Endless, TensorData
from octavo.lab.evaluation import Evaluation
from octavo.lab.fit import fit
from octavo.lab.loop import Loop
from octavo.lab.randomness import generator
from octavo.lab.state import State


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


class WithMethod(nn.Module):
    """A model whose loss calls a method, not the module."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = make_model()

    def score(self, x: Tensor) -> Tensor:
        return self.inner(x)


# 23 items in batches of 6: the last has 5, and in two processes 3 and 2.
X = torch.randn(23, 3, generator=generator(0, "x"))
DATA = TensorData(x=X, y=X.sum(1, keepdim=True).sin(), index=torch.arange(23))


def squared_error(model: nn.Module, batch: dict[str, Tensor], context: object) -> dict[str, Tensor]:
    loss = (model(batch["x"]) - batch["y"]).square().mean()
    return {"loss": loss, "first": batch["x"][:, 0].mean()}


def main(folder: Path, engine: str) -> dict[str, object]:
    options = {"engine": engine, "batch_size": 6, "seed": 2}
    evaluation = Evaluation(
        DATA, lambda model, batch: {"error": (model(batch["x"]) - batch["y"]).square()[:, 0]}, batch_size=4
    )
    out: dict[str, object] = {}

    model = make_model()
    usual = fit(
        "usual", model, squared_error, DATA, epochs=6, clip_norm=0.5, schedule="cosine", evaluate=evaluation,
        evaluate_every=5, keep_best="min error", folder=folder / "usual", checkpoint_every=5, **options,
    )  # fmt: skip
    out["usual"], out["evaluations"] = usual.history, usual.evaluations
    out["items"] = evaluation.items(model)["error"].tolist()

    pieces = fit("pieces", make_model(), squared_error, DATA, epochs=3, accumulate=2, **options)
    out["pieces"] = pieces.history

    endless = Endless(
        lambda generator, size: {"x": (x := torch.randn(size, 3, generator=generator)), "y": x[:, :1]}
    )
    out["endless"] = fit("endless", make_model(), squared_error, endless, steps=8, **options).history

    def by_method(model: WithMethod, batch: dict[str, Tensor], context: object) -> Tensor:
        return (model.score(batch["x"]) - batch["y"]).square().mean()

    out["method"] = fit("method", WithMethod(), by_method, DATA, epochs=2, **options).history

    def step(state: State, batch: dict[str, Tensor], context: object) -> dict[str, Tensor]:
        loss = squared_error(state.model, batch, context)["loss"]
        context.backward(loss)
        context.update(state.optimizer)
        return {"loss": loss}

    model = make_model()
    state = State(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    out["loop"] = Loop(step, state, DATA, steps=12, **options).run().history

    seen = fit(
        "seen",
        make_model(),
        squared_error,
        DATA,
        steps=1,
        batch_size=23 if engine == "plain" else 22,
        engine=engine,
    )
    out["seen"] = len(seen.history["loss"])

    if engine == "accelerate":
        model = make_model()

        def alone(state: State, batch: dict[str, Tensor], context: object) -> dict[str, Tensor]:
            loss = squared_error(state.model, batch, context)["loss"]
            loss.backward()
            state.optimizer.step()
            return {"loss": loss}

        state = State(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
        for name, run in {
            "not averaged": lambda: Loop(
                alone, state, DATA, steps=2, folder=folder / "alone", **options
            ).run(),
            "odd batch": lambda: fit(
                "odd", make_model(), squared_error, DATA, steps=1, batch_size=7, engine=engine
            ),
        }.items():
            try:
                run()
                out[name] = "no error"
            except OctavoError as error:
                out[name] = str(error)
        broken = TensorData(x=X, y=torch.where(torch.arange(23) == 4, torch.inf, X[:, 0])[:, None])
        try:
            fit("broken", make_model(), squared_error, broken, epochs=1, **options)
        except OctavoError as error:
            out["broken"] = str(error)
    return out


if __name__ == "__main__":
    import os

    torch.set_num_threads(1)
    outcome = main(Path(sys.argv[1]), sys.argv[2])
    if os.environ.get("RANK", "0") == "0":
        print("OUTCOME" + json.dumps(outcome))
