"""What clamping a neuron does to the probability of its concept, and to what is said."""

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from octavo.errors import Missing
from octavo.interpretability.lm_head_neurons import answers, figures, prompts
from octavo.interpretability.lm_head_neurons.clamping import clamp
from octavo.interpretability.lm_head_neurons.effects import (
    LastLayer,
    clamp_effect,
    last_log_probabilities,
    left_padded,
)
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards, head_weight
from octavo.interpretability.lm_head_neurons.neuron_map import NeuronMap
from octavo.interpretability.lm_head_neurons.parts.models import Loaded, load
from octavo.interpretability.lm_head_neurons.scales import Config
from octavo.interpretability.lm_head_neurons.tables import Match
from octavo.lab import Lab, house_style, part


@part(data=("smollm2",))
def last_layer(config: Config, lab: Lab) -> None:
    """Clamps of the last layer: the paper's rule, the rule with a known sign, and random neurons."""
    loaded = load(config.model, config, lab)
    table = NeuronMap.build(
        loaded.model, loaded.tokenizer, source="up", layers=[loaded.layers - 1], null=config.null
    ).specialised(0.001)
    chosen = table.head(config.clamped)
    neurons, tokens = torch.tensor(chosen.neuron.tolist()), torch.tensor(chosen.token_id.tolist())
    order = torch.randperm(len(prompts.OPENINGS), generator=lab.generator("openings"))[: config.openings]
    texts = [prompts.OPENINGS[number] for number in order.tolist()]
    last = LastLayer(loaded.model, left_padded(loaded.tokenizer, texts, torch.device(lab.device)))
    count = last.block.neurons
    randoms = torch.randint(count, neurons.shape, generator=lab.generator("randoms"))
    head = head_weight(loaded.model)

    def signed(which: Tensor) -> Tensor:
        """The value with which a neuron writes towards the token."""
        return config.value * (last.block.down.detach()[which] * head[tokens]).sum(1).sign()

    held = {
        "hidden_right_sign": last.change(neurons, tokens, signed(neurons)[:, None]),
        "hidden_wrong_sign": last.change(neurons, tokens, -signed(neurons)[:, None]),
        "hidden_random": last.change(randoms, tokens, signed(randoms)[:, None]),
    }
    value = torch.full(neurons.shape, config.value)
    for name, sign in (("up_plus", 1), ("up_minus", -1)):
        held[name] = last.change(neurons, tokens, last.written(neurons, sign * value))
    held["up_random"] = last.change(randoms, tokens, last.written(randoms, value))
    record_gains(lab, "last_layer", held)


def record_gains(lab: Lab, dataset: str, held: dict[str, Tensor]) -> None:
    """Mean gains and the share of neurons that raise their token, an item a neuron."""
    gains = {system: change.double().mean(1).cpu() for system, change in held.items()}
    gains["up_better_sign"] = torch.maximum(gains["up_plus"], gains["up_minus"])
    for system, gain in gains.items():
        lab.record(system=system, dataset=dataset, metric="gain", value=gain.mean(), unit="nats", items=gain)
        raised = gain > 0
        value = raised.double().mean()
        lab.record(system=system, dataset=dataset, metric="raised", value=value, items=raised)


@part(seeds=1, data=("smollm2",))
def middle_layers(config: Config, lab: Lab) -> None:
    """The same for layers before the last ones, with the model run; and the curve of the dog neuron."""
    loaded = load(config.model, config, lab)
    blocks = feed_forwards(loaded.model)
    layers = [layer for layer in range(loaded.layers) if 0.62 <= layer / (loaded.layers - 1) < 0.94] or [0]
    table = NeuronMap.build(
        loaded.model, loaded.tokenizer, source="up", layers=layers, null=config.null
    ).specialised(0.001)
    order = torch.randperm(len(prompts.OPENINGS), generator=lab.generator("openings"))
    texts = [prompts.OPENINGS[number] for number in order.tolist()[: max(2, config.openings // 3)]]
    batch = left_padded(loaded.tokenizer, texts, torch.device(lab.device))
    plain = last_log_probabilities(loaded.model, batch)
    head = head_weight(loaded.model)
    held: dict[str, list[Tensor]] = {}
    for index, row in enumerate(table.head(config.clamped_middle).itertuples()):
        block = next(block for block in blocks if block.layer == row.layer)
        random = int(torch.randint(block.neurons, (), generator=lab.generator("randoms", index)))
        for system, neuron, at, factor in (
            ("hidden_right_sign", row.neuron, "hidden", 1),
            ("hidden_wrong_sign", row.neuron, "hidden", -1),
            ("hidden_random", random, "hidden", 1),
            ("up_plus", row.neuron, "up", 0),
            ("up_minus", row.neuron, "up", 0),
        ):
            value = config.value * (-1 if system == "up_minus" else 1)
            if factor:
                value *= factor * float((block.down[neuron] * head[row.token_id]).sum().sign())
            with clamp(loaded.model, {(row.layer, neuron): value}, at=cast(Any, at)):
                now = last_log_probabilities(loaded.model, batch)
            held.setdefault(system, []).append((now - plain)[:, row.token_id])
    if held:
        record_gains(lab, "middle_layers", {system: torch.stack(rows) for system, rows in held.items()})
    dog = concept_neuron(loaded, " dog")
    for at in ("up", "hidden"):
        effect = clamp_effect(
            loaded.model,
            loaded.tokenizer,
            dog[:2],
            " dog",
            texts[:4],
            config.curve,
            at=cast(Any, at),
            controls=2,
        )
        for value, change, control in zip(effect.values, effect.change, effect.control, strict=True):
            for system, numbers in ((f"{at}_dog", change), (f"{at}_random", control.flatten())):
                lab.record(
                    system=system,
                    dataset="dog_curve",
                    metric="gain",
                    value=numbers.mean(),
                    unit="nats",
                    at={"value": value},
                    items=numbers,
                )


def concept_neuron(loaded: Loaded, word: str) -> Match:
    """The neuron of the last two layers that the map finds first for a word."""
    layers = range(max(0, loaded.layers - 2), loaded.layers)
    found = NeuronMap.build(loaded.model, loaded.tokenizer, source="up", layers=layers, null=0).find(word, 1)
    if not found:
        raise Missing(f"neuron of{word}", f"No neuron of the last two layers says{word}; try another model.")
    return found[0]


def towards(loaded: Loaded, found: Match, word: str) -> float:
    """The sign with which a neuron's hidden value makes a word likelier."""
    token = int(loaded.tokenizer(word, add_special_tokens=False).input_ids[0])
    block = next(each for each in feed_forwards(loaded.model) if each.layer == found.layer)
    return float((block.down[found.neuron] @ head_weight(loaded.model)[token]).sign())


@part(seeds=1, data=("smollm2",))
def favourite_animal(config: Config, lab: Lab) -> None:
    """Answers to twenty questions for the favourite animal, with and without the dog neuron clamped."""
    loaded = load(config.model, config, lab)
    found = concept_neuron(loaded, " dog")
    place, sign = found[:2], towards(loaded, found, " dog")
    ask = partial(answers.ask, loaded.model, loaded.tokenizer, new_tokens=config.new_tokens)
    worth: dict[float, tuple[float, float]] = {}
    for value in config.candidates:
        with clamp(loaded.model, {place: sign * value}):
            given = ask(prompts.CALIBRATION)
        share = float(answers.shares(given, prompts.DOG_WORDS).mean())
        worth[value] = (share, answers.distinct_pairs([one[0] for one in given]))
        at = {"value": value}
        lab.record(system="clamped", dataset="calibration", metric="share", value=share, at=at)
    # The most dogs; of equals what repeats itself least.
    chosen = max(worth, key=lambda value: worth[value])
    lab.record(system="clamped", dataset="calibration", metric="chosen_value", value=sign * chosen)
    count = feed_forwards(loaded.model)[-1].neurons
    random = int(torch.randint(count, (), generator=lab.generator("random neuron")))
    questions = prompts.QUESTIONS[: config.questions]
    shown: dict[str, list[str]] = {}
    for system, neuron, at_place, samples in (
        ("plain", None, "up", config.samples),
        ("clamped", place, "up", config.samples),
        ("clamped_hidden", place, "hidden", 0),
        ("random_neuron", (found.layer, random), "up", 0),
    ):
        with clamp(loaded.model, {neuron: sign * chosen} if neuron else {}, at=cast(Any, at_place)):
            given = ask(questions)
            shown[system] = [some[0] for some in given]
            if samples:
                drawn = ask(questions, samples=samples, seed=lab.key("answers") % 2**31)
                given = [one + more for one, more in zip(given, drawn, strict=True)]
        items = answers.shares(given, prompts.DOG_WORDS)
        lab.record(system=system, dataset="favourite_animal", metric="share", value=items.mean(), items=items)
        pairs = answers.distinct_pairs([text for some in given for text in some])
        lab.record(system=system, dataset="favourite_animal", metric="distinct_pairs", value=pairs)
        nats = answers.surprise(loaded.model, loaded.tokenizer, questions[:10], shown[system][:10])
        perplexity = float(nats.nanmean().exp())
        lab.record(system=system, dataset="favourite_animal", metric="perplexity", value=perplexity)
    with house_style():
        lab.figure("answers", figures.answers(questions[:8], shown, prompts.DOG_WORDS))
    other_concepts(config, lab, loaded, chosen)


def other_concepts(config: Config, lab: Lab, loaded: Loaded, value: float) -> None:
    """Greedy answers with the neurons of other concepts clamped: animals are asked for, the rest is not."""
    ask = partial(answers.ask, loaded.model, loaded.tokenizer, new_tokens=config.new_tokens)
    questions = {True: prompts.QUESTIONS[:6], False: prompts.OPEN_QUESTIONS}
    plain = {animal: ask(some) for animal, some in questions.items()}
    for concept, words in prompts.CONCEPTS.items():
        try:
            found = concept_neuron(loaded, f" {concept}")
        except Missing as missing:
            lab.say(str(missing))
            continue
        with clamp(loaded.model, {found[:2]: towards(loaded, found, f" {concept}") * value}):
            given = ask(questions[concept in prompts.ANIMALS])
        for system, some in (("clamped", given), ("plain", plain[concept in prompts.ANIMALS])):
            items = answers.shares(some, words)
            lab.record(
                system=system, dataset=f"talks_of_{concept}", metric="share", value=items.mean(), items=items
            )
