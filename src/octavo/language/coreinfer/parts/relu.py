"""The paper's own regime: SmolLM2 with ReLU for SiLU, tuned, and measured again."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from octavo.errors import Missing
from octavo.lab import Lab, TensorData, part
from octavo.language.coreinfer.blocks import blocks_of
from octavo.language.coreinfer.parts import texts
from octavo.language.coreinfer.parts.kept import LEARNED, arms, record, score, static_of
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.watching import watching


@part(seeds=1, data=LEARNED)
def relu(config: Config, lab: Lab) -> None:
    """Tunes a model whose gates are ReLU, and asks of it what was asked of the one with SiLU."""
    if not config.tuning_steps:
        raise Missing("gpu", "Tuning takes ten minutes on a GPU: `octavo run coreinfer --scale gpu`.")
    model, tokenizer = texts.load_model(config, lab.device)
    with_relu(model)
    wanted = config.tuning_steps * config.tuning_batch
    rows = [
        piece
        for some in texts.of_all_kinds(
            max(1, min(wanted, 20_000) // len(texts.KINDS)),
            config.tuning_tokens,
            tokenizer,
            lab,
            config,
            held_out=False,
            stream="tuned",
        ).values()
        for piece in some
    ]

    def loss(tuned: nn.Module, batch: dict[str, Tensor], _: Any) -> Tensor:
        found = cast(Any, tuned)(input_ids=batch["ids"], labels=batch["ids"], use_cache=False)
        return cast(Tensor, found.loss)

    model.train()
    lab.fit(
        "SmolLM2 with ReLU",
        model,
        loss,
        TensorData(ids=torch.stack(rows)),
        steps=config.tuning_steps,
        batch_size=min(config.tuning_batch, len(rows)),
        learning_rate=2e-4,
        weight_decay=0.0,
        clip_norm=1.0,
        checkpoint_seconds=1e9,
    )
    model.eval()
    blocks = blocks_of(model, texts.sliced_layers(config))
    found = texts.of_all_kinds(
        config.texts, config.prompt + config.continuation + 1, tokenizer, lab, config, stream="texts"
    )
    zero = share_of_zeros(model, [piece for some in found.values() for piece in some], lab.device)
    lab.record(system="relu", dataset="relu_texts", metric="zeros", value=zero)
    clusters = static_of(model, tokenizer, config, lab)
    record(lab, score(lab, config, model, blocks, found, clusters, arms(config)), "relu_texts")


def with_relu(model: nn.Module) -> None:
    """Puts ReLU in the place of every feed-forward block's own activation function.

    Raises:
        ValueError: a block keeps its function elsewhere.
    """
    for block in blocks_of(model):
        name = next((n for n in ("act_fn", "activation_fn", "act") if hasattr(block.module, n)), None)
        if name is None:
            raise ValueError(f"layer {block.layer}: no activation function in {type(block.module).__name__}")
        setattr(block.module, name, nn.ReLU())


@torch.no_grad()
def share_of_zeros(model: nn.Module, pieces: list[Tensor], device: str) -> float:
    """The share of activations that are zero."""
    zeros: list[Tensor] = []
    with watching(blocks_of(model), lambda _, hidden: zeros.append((hidden == 0).double().mean())):
        for ids in pieces:
            cast(Any, model)(ids[None].to(device), use_cache=False)
    return float(torch.stack(zeros).mean())
