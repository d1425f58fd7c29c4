"""A language model is fine-tuned on sentences of film reviews: what a user would try the noise on."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from octavo import data
from octavo.data.sentiment import Sentences
from octavo.lab import Lab, TensorData, part
from octavo.lab.state import State
from octavo.learning.gradient_noise import timing
from octavo.learning.gradient_noise.low_rank import adapt
from octavo.learning.gradient_noise.noise import GradientNoise
from octavo.learning.gradient_noise.scales import Config
from octavo.learning.gradient_noise.schedule import NoiseSchedule

PROMPT = "Review: {}\nSentiment:"
ANSWERS = (" negative", " positive")
RATE = 1e-3


class Upper(nn.Module):
    """The last layers of a language model, from the states below them to the scores of two answers.

    Args:
        model: the whole, of which copies are taken.
        layers: how many.
        answers: the numbers of the two answers' tokens.
    """

    def __init__(self, model: Any, layers: int, answers: list[int]) -> None:
        super().__init__()
        whole = copy.copy(model.model)
        whole._modules = dict(model.model._modules)
        whole.layers = copy.deepcopy(model.model.layers[len(model.model.layers) - layers :])
        self.body = whole
        self.answers = nn.Parameter(model.get_output_embeddings().weight[answers].detach().clone())

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Scores of the answers after the last token of each sentence."""
        most = int(mask.sum(1).max())
        states, mask = states[:, :most], mask[:, :most]
        found = self.body(inputs_embeds=states, attention_mask=mask, use_cache=False).last_hidden_state
        last = mask.sum(1) - 1
        scores: Tensor = found[torch.arange(len(found)), last] @ self.answers.mT
        return scores


@part(seeds=1, data=("smollm2", "SST"))
def sentiment(config: Config, lab: Lab) -> None:
    """Low-rank fine-tuning of a language model's last layers on SST, bare and with noise."""
    if config.small_language_model:
        model, tokenizer = timing.tiny_language_model(), None
    else:
        loaded = data.load("smollm2")
        model, tokenizer = loaded.model, loaded.tokenizer
    model.to(lab.device).eval()
    layers = min(config.tuned_layers, len(model.model.layers))
    found = data.load("SST")
    encoded = {}
    for split, count in (("train", config.tuned_sentences), ("test", config.tuned_tests)):
        polar = (found.train if split == "train" else found.test).polar()
        rows = torch.randperm(len(polar), generator=lab.generator(split))[:count].tolist()
        # Sentences of a length stand together, so that few places are padding.
        rows.sort(key=[len(text) for text in polar.texts].__getitem__)
        encoded[split] = states_below(model, tokenizer, polar.take(torch.tensor(rows)), layers)
    answers = [1, 2] if tokenizer is None else [tokenizer(word).input_ids[0] for word in ANSWERS]
    noise = NoiseSchedule(config.tuned_eta, config.gamma)
    for seed in range(config.tuned_restarts):
        for system, schedule in (("untuned", None), ("none", None), ("noise", noise)):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(lab.key("init", seed) % 2**63)
                upper = adapt(Upper(model, layers, answers), ("q_proj", "v_proj")).to(lab.device)
            if system != "untuned":
                tune(config, lab, f"{system} on SST, restart {seed}", upper, encoded["train"], schedule, seed)
            right, loss = judged(upper, encoded["test"], lab.device)
            lab.record(
                system=system, dataset="sst", metric="accuracy", value=right.mean(), items=right, seed=seed
            )
            lab.record(system=system, dataset="sst", metric="test_loss", value=loss, seed=seed)


@torch.no_grad()
def states_below(model: Any, tokenizer: Any, sentences: Sentences, layers: int) -> dict[str, Tensor]:
    """What reaches the last layers for each sentence: they alone are trained, so it is computed once."""
    if tokenizer is None:
        rows = [[1 + len(word) % 30 for word in text.split()] for text in sentences.texts]
    else:
        rows = [tokenizer(PROMPT.format(text)).input_ids for text in sentences.texts]
    longest = max(map(len, rows))
    device = next(model.parameters()).device
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
    below = len(model.model.layers) - layers
    states = []
    for ids, seen in zip(tokens.split(20), mask.split(20), strict=True):
        most = int(seen.sum(1).max())
        found = model.model(
            input_ids=ids[:, :most], attention_mask=seen[:, :most], use_cache=False, output_hidden_states=True
        )
        states.append(functional.pad(found.hidden_states[below].cpu(), (0, 0, 0, longest - most)))
    return {"states": torch.cat(states), "mask": mask.cpu(), "label": sentences.labels}


def tune(
    config: Config,
    lab: Lab,
    name: str,
    upper: nn.Module,
    encoded: dict[str, Tensor],
    schedule: NoiseSchedule | None,
    seed: int,
) -> None:
    """Train the adaptors; batches are the same with noise and without."""
    optimizer = torch.optim.AdamW([p for p in upper.parameters() if p.requires_grad], lr=RATE)
    parts: dict[str, Any] = {"model": upper, "optimizer": optimizer}
    if schedule is not None:
        generator = torch.Generator(lab.device).manual_seed(lab.key("noise", seed))
        parts["noise"] = GradientNoise(optimizer, generator=generator, schedule=schedule)

    def step(state: Any, batch: dict[str, Tensor], context: Any) -> dict[str, Tensor]:
        loss = functional.cross_entropy(state.model(batch["states"], batch["mask"]), batch["label"])
        context.backward(loss)
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
        context.update(optimizer)
        return {"loss": loss}

    lab.loop(name, step, State(**parts), TensorData(**encoded), steps=config.tuned_steps, batch_size=8)
    upper.eval()


@torch.no_grad()
def judged(upper: nn.Module, encoded: dict[str, Tensor], device: str) -> tuple[Tensor, Tensor]:
    """Which sentences are judged rightly, and the mean loss."""
    scores = torch.cat(
        [
            upper(states.to(device), mask.to(device)).cpu()
            for states, mask in zip(encoded["states"].split(20), encoded["mask"].split(20), strict=True)
        ]
    )
    right = (scores.argmax(1) == encoded["label"]).double()
    return right, functional.cross_entropy(scores, encoded["label"])
