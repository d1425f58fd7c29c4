"""What tuning does to the top tokens."""

import copy
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from octavo.errors import Missing
from octavo.interpretability.lm_head_neurons import drift
from octavo.interpretability.lm_head_neurons.neuron_map import NeuronMap
from octavo.interpretability.lm_head_neurons.parts.models import load
from octavo.interpretability.lm_head_neurons.parts.text import cut, text_of
from octavo.interpretability.lm_head_neurons.scales import Config
from octavo.lab import Lab, TensorData, part


@part(seeds=1, data=("smollm2",))
def instructed(config: Config, lab: Lab) -> None:
    """The share of neurons that keep their top token from a base model to the instructed one."""
    if not config.base:
        raise Missing(
            "hub", "Give the base model: --base HuggingFaceTB/SmolLM2-135M, a hub name or a folder."
        )
    loaded = load(config.model, config, lab)
    ours = NeuronMap.build(loaded.model, loaded.tokenizer, source="up", k=1, null=0)
    theirs = load(config.base, config, lab)
    # Only the weights differ: the instructed model may have tokens of its own.
    base = NeuronMap.build(theirs.model, loaded.tokenizer, source="up", k=1, null=0)
    same = ours.same_top(base)
    lab.record(system="instruct", dataset="base", metric="agreement", value=same.double().mean(), items=same)
    order = torch.randperm(len(same), generator=lab.generator("order"))
    permuted = ours.tokens[0, 0, :, 0] == base.tokens[0, 0, order, 0]
    lab.record(
        system="permuted", dataset="base", metric="agreement", value=permuted.double().mean(), items=permuted
    )


@part(seeds=1, data=("smollm2", "wikitext2"))
def tuning(config: Config, lab: Lab) -> None:
    """How many top tokens survive tuning, beside random steps of the same size."""
    base = load(config.model, config, lab)
    layers = tuple(range(base.layers - 1, -1, -7))
    build = partial(NeuronMap.build, tokenizer=base.tokenizer, source="up", k=1, null=0, layers=layers)
    pieces = cut(base.tokenizer, text_of(config, base, lab), config.tuning_tokens)
    before = {name: weight.clone() for name, weight in drift.read_weights(base.model, layers).items()}
    reference = build(base.model)

    def loss(model: nn.Module, batch: dict[str, Tensor], _: Any) -> Tensor:
        return cast(
            Tensor, cast(Any, model)(input_ids=batch["ids"], labels=batch["ids"], use_cache=False).loss
        )

    def compared(system: str, steps: int, model: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            after = {name: weight.detach() for name, weight in drift.read_weights(model, layers).items()}
            same = build(model).same_top(reference)
            with drift.random_steps(base.model, layers, after, lab.generator(system, steps)):
                noise = build(base.model).same_top(reference)
        for name, kept in ((system, same), (f"{system}_random", noise)):
            value = kept.double().mean()
            lab.record(
                system=name, dataset="drift", metric="agreement", value=value, at={"steps": steps}, items=kept
            )
        moved = drift.relative_step(before, after)
        lab.record(system=system, dataset="drift", metric="relative_step", value=moved, at={"steps": steps})
        return {"agreement": float(same.double().mean()), "relative_step": moved}

    for system, rate in (("full", config.full_rate), ("lora", config.low_rank_rate)):
        model = copy.deepcopy(base.model)
        if system == "lora":
            drift.add_low_rank_steps(model, config.rank, lab.generator("low rank"))
        for start, stop in zip((0, *config.tuning_steps), config.tuning_steps, strict=False):
            # Piece by piece, since a checkpoint of all weights in between would take longer than the steps.
            lab.fit(
                f"{system} to step {stop}",
                model,
                loss,
                TensorData(ids=pieces),
                steps=stop - start,
                batch_size=1,
                learning_rate=rate,
                weight_decay=0.0,
                clip_norm=1.0,
                checkpoint_seconds=1e9,
                seed=lab.key("tuning", start) % 2**31,
                folder=None,
            )
            compared(system, stop, model)
