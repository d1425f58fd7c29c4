"""Every claim of the abstract, measured on a real model beside shuffled and random neurons."""

import copy
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from octavo import data
from octavo.errors import Missing
from octavo.interpretability.lm_head_neurons import answers, drift, figures, peers, prompts, specialisation
from octavo.interpretability.lm_head_neurons.clamping import clamp
from octavo.interpretability.lm_head_neurons.decode import nearest
from octavo.interpretability.lm_head_neurons.effects import (
    LastLayer,
    clamp_effect,
    last_log_probabilities,
    left_padded,
)
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards, head_weight
from octavo.interpretability.lm_head_neurons.neuron_map import NeuronMap
from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scales import LLAMA_8B, SCALES, Config
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.interpretability.lm_head_neurons.selectivity import covering_windows, selected
from octavo.interpretability.lm_head_neurons.stand_in import random_text, stand_in
from octavo.interpretability.lm_head_neurons.tables import Match
from octavo.lab import Lab, Records, TensorData, house_style, part, plot

__all__ = ["SCALES", "Config"]


class Loaded(NamedTuple):
    """A model with its tokenizer and its number of layers."""

    model: Any
    tokenizer: Any
    layers: int

    def at(self, share: float) -> int:
        """The layer at a share of the way from the first to the last."""
        return round(share * (self.layers - 1))


def load(name: str, config: Config, lab: Lab) -> Loaded:
    """The model of a name: the stand-in, one of octavo.data, or a folder or hub name."""
    dtype = getattr(torch, config.precision)
    if name == "stand_in":
        model, tokenizer = stand_in()
    elif name == "smollm2":
        model, tokenizer = (loaded := data.load(name, dtype=dtype)).model, loaded.tokenizer
    else:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
            tokenizer = AutoTokenizer.from_pretrained(name)
        except OSError as error:
            raise Missing("hub", f"Go online or give a folder: {name} is not on this machine.") from error
    model.eval().to(lab.device)
    return Loaded(model, tokenizer, 1 + max(block.layer for block in feed_forwards(model)))


@part(data=("smollm2",))
def specialised(config: Config, lab: Lab) -> None:
    """How many neurons say a concept louder than shuffled ones, in four layers."""
    loaded = load(config.model, config, lab)
    layers = sorted({loaded.at(share) for share in config.probed_layers})
    seed = lab.key("null") % 2**31
    built = NeuronMap.build(
        loaded.model, loaded.tokenizer, source="up", layers=layers, null=config.null, seed=seed
    )
    limit = specialisation.threshold(built.null[0], 0.001)
    strength = built.strongest("up")
    for layer in layers:
        passed = strength[built.places[:, 0] == layer] > limit
        dataset = "last_layer" if layer == loaded.layers - 1 else f"layer_{layer}"
        lab.record(system="up", dataset=dataset, metric="share", value=passed.double().mean(), items=passed)
    blocks = feed_forwards(loaded.model)
    last = [block.rows("up") for block in blocks if block.layer == loaded.layers - 1]
    control = specialisation.shuffled_rows(last, config.controls, lab.generator("controls"))
    (top,) = scan(HeadReader.of_model(loaded.model, loaded.tokenizer), [control], 1)
    passed = top.scores.abs().amax((0, 2)) > limit
    lab.record(
        system="shuffled", dataset="last_layer", metric="share", value=passed.double().mean(), items=passed
    )
    table = built.specialised(0.001)
    lab.record(system="up", dataset="concepts", metric="neurons", value=int(table.content.sum()))
    lab.record(system="up", dataset="null", metric="threshold", value=limit)
    first = built.find(" dog", 1)
    said = built.neuron(*first[0][:2]).reading("up", first[0].sign).tokens[0] if first else ""
    lab.record(system="find", dataset="dog", metric="first", value=answers.names(said, prompts.DOG_WORDS))


@part(seeds=1, timed=True, data=("smollm2",))
def whole_model(config: Config, lab: Lab) -> None:
    """The map of all up-projections: its seconds, its neurons layer by layer, nouns looked up, decoys."""
    loaded = load(config.model, config, lab)
    made = []

    def build() -> None:
        made.append(NeuronMap.build(loaded.model, loaded.tokenizer, source="up", null=config.null))

    with peers.threads(2):
        timings = lab.time({"map": build}, repeats=1, warmup=0)
    lab.record(system="map", dataset="whole_model", metric="seconds", value=timings.median("map"), unit="s")
    built = made[0]
    limit, strength = specialisation.threshold(built.null[0], 0.001), built.strongest("up")
    for layer in built.layers:
        here = built.places[:, 0] == layer
        passed = strength[here] > limit
        for metric, some in (("share_loud", passed), ("share_one_concept", passed & built.coherent[0][here])):
            lab.record(
                system="up",
                dataset="by_layer",
                metric=metric,
                value=some.double().mean(),
                at={"layer": layer},
                items=some,
            )
    table = built.specialised(0.001)
    lab.record(system="up", dataset="whole_model", metric="content_neurons", value=int(table.content.sum()))
    look_up(lab, loaded, built)
    if lab.seed == 0:
        with house_style():
            match = built.find(" dog", 1)
            if match:
                lab.figure("tokens-of-the-dog-neuron", figures.token_cloud(built.neuron(*match[0][:2]), "up"))


def look_up(lab: Lab, loaded: Loaded, built: NeuronMap) -> None:
    """Forty nouns in the map, and which of their nearest neurons are decoys."""
    words = [f" {noun}" for noun in prompts.NOUNS if f" {noun}" in built.vocabulary.words]
    found = {word: built.find(word, 1) for word in words}
    z = [abs(matches[0].z) for matches in found.values() if matches]
    lab.record(system="find", dataset="nouns", metric="share_found", value=len(z) / len(words))
    lab.record(system="find", dataset="nouns", metric="median_z", value=np.median(z), items=z)
    reader = HeadReader.of_model(loaded.model, loaded.tokenizer)
    raw = nearest(reader, feed_forwards(loaded.model), [built.vocabulary.id(word) for word in words], 1)
    decoys = [first[0].decoy for first in raw]
    value = float(np.mean(decoys))
    lab.record(system="nearest", dataset="nouns", metric="share_decoys", value=value, items=decoys)


@part(seeds=1, timed=True, data=("smollm2",))
def speed(config: Config, lab: Lab) -> None:
    """One layer by the map, by the bare product, by the full matrix, and neuron by neuron; an 8B's shapes."""
    loaded = load(config.model, config, lab)
    reader = HeadReader.of_model(loaded.model, loaded.tokenizer)
    rows = feed_forwards(loaded.model)[-1].rows("up")
    some = rows[: config.looped]
    timings = lab.time(
        {
            "map": lambda: scan(reader, [rows], 8),
            "product": lambda: peers.bare_product(reader, rows),
            "full_matrix": lambda: peers.full_matrix(reader, rows, 8),
            "neuron_by_neuron": lambda: peers.neuron_by_neuron(reader, some, 8),
        },
        repeats=config.rounds,
        warmup=1,
    )
    for system in ("map", "product", "full_matrix", "neuron_by_neuron"):
        neurons = len(some) if system == "neuron_by_neuron" else len(rows)
        each = [1e3 * seconds / neurons for seconds in timings.seconds[system]]
        lab.record(
            system=system,
            dataset="one_layer",
            metric="milliseconds_per_neuron",
            value=np.median(each),
            unit="ms",
            items=each,
        )
    layers, neurons, width, vocabulary = config.shapes
    seconds = peers.seconds_of_shapes(*config.shapes, device=lab.device)
    full = config.shapes == LLAMA_8B
    dataset = "llama_8b_shapes" if full else "slice_of_an_8b"
    lab.record(system="map", dataset=dataset, metric="seconds", value=seconds, unit="s")
    work = np.prod(LLAMA_8B, dtype=float) / (layers * neurons * width * float(vocabulary))
    lab.record(
        system="map", dataset="llama_8b_predicted", metric="predicted_seconds", value=seconds * work, unit="s"
    )


@part(seeds=1, data=("smollm2",))
def sources(config: Config, lab: Lab) -> None:
    """Up, gate and down of the later layers, and whether neurons write with or against what they read."""
    loaded = load(config.model, config, lab)
    late = range(loaded.at(config.late_layers), loaded.layers)
    built = NeuronMap.build(loaded.model, loaded.tokenizer, layers=late, null=0)
    for s, source in enumerate(built.sources):
        side = (built.scores[s, 1, :, 0].abs() > built.scores[s, 0, :, 0].abs()).long()
        top = built.tokens[s, :, :, 0].long().gather(0, side[None])[0]
        loud = (built.strongest(source) > 0.4) & built.vocabulary.content[top]
        lab.record(system=source, dataset="late_layers", metric="content_neurons", value=int(loud.sum()))
    for block in feed_forwards(loaded.model):
        cosines = nn.functional.cosine_similarity(block.rows("up").float(), block.rows("down").float())
        strong = cosines[cosines.abs() > 0.2]
        at = {"layer": block.layer}
        lab.record(system="up", dataset="sign", metric="mean_cosine", value=cosines.mean(), at=at)
        lab.record(system="up", dataset="sign", metric="aligned", value=len(strong), at=at)
        if len(strong):
            with_it = strong > 0
            value = with_it.double().mean()
            lab.record(
                system="up", dataset="sign", metric="positive_share", value=value, at=at, items=with_it
            )


@part(data=("smollm2", "wikitext2"))
def selectivity(config: Config, lab: Lab) -> None:
    """Whether a neuron is active where its token is read or about to follow."""
    loaded = load(config.model, config, lab)
    late = range(loaded.at(config.late_layers + 0.38), loaded.layers)
    built = NeuronMap.build(loaded.model, loaded.tokenizer, source="up", layers=late, null=config.null)
    pieces = cut(loaded.tokenizer, text_of(config, loaded, lab), config.window_tokens)
    counts = torch.bincount(pieces.flatten(), minlength=len(built.vocabulary))
    table = built.specialised(0.001)
    # Rare tokens would make a curve of two points.
    frequent = counts[torch.tensor(table.token_id.tolist(), dtype=torch.long)].numpy() >= 8
    chosen = table[table.content.to_numpy(dtype=bool) & frequent].head(config.specialists)
    if len(chosen) < 2:
        chosen = table.head(config.specialists)
    tokens = chosen.token_id.tolist()
    picked = covering_windows(pieces, tokens, config.windows, lab.generator("windows"))
    windows = pieces[picked].to(lab.device)
    own = list(zip(chosen.layer.tolist(), chosen.neuron.tolist(), strict=True))
    count = feed_forwards(loaded.model)[-1].neurons
    random = torch.randint(count, (len(own), config.randoms), generator=lab.generator("randoms")).tolist()
    others = [(layer, number) for (layer, _), some in zip(own, random, strict=True) for number in some]
    wanted = tokens + [token for token in tokens for _ in range(config.randoms)]
    reader = HeadReader.of_model(loaded.model, loaded.tokenizer, special=True)
    found = selected(loaded.model, reader, windows, [*own, *others], wanted)
    for suffix, areas in (("", found.unsigned), ("_signed", found.signed)):
        for system, some in (("specialised", areas[: len(own)]), ("random", areas[len(own) :])):
            values = some[~np.isnan(some)]
            lab.record(
                system=f"{system}{suffix}",
                dataset="text",
                metric="auc",
                value=np.median(values) if len(values) else np.nan,
                items=values if len(values) else None,
            )
        kept = ~np.isnan(areas)
        value = spearmanr(np.abs(found.scores[kept]), areas[kept]).statistic
        lab.record(system=f"up{suffix}", dataset="text", metric="spearman", value=value)


def text_of(config: Config, loaded: Loaded, lab: Lab) -> list[str]:
    """The articles that are read; random words for the stand-in."""
    if config.model == "stand_in":
        return [random_text(loaded.tokenizer, 3000, lab.generator("text"))]
    articles = data.load("wikitext2")
    return [*articles.validation, *articles.test]


def cut(tokenizer: Any, texts: list[str], length: int) -> Tensor:
    """Texts as pieces of one length."""
    pieces = []
    for text in texts:
        ids = torch.tensor(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)
        pieces.append(ids[: len(ids) // length * length].reshape(-1, length))
    return torch.cat(pieces)


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


@plot
def specialised_by_layer(records: Records) -> Any:
    """Share of neurons above the null, layer by layer."""
    found = records.where(part="whole_model", dataset="by_layer")
    return figures.by_layer(
        {
            metric: figures.by_place(found.where(metric=metric), "layer")
            for metric in ("share_loud", "share_one_concept")
        }
    )


@plot
def sign_structure(records: Records) -> Any:
    """Whether neurons write with or against what they read."""
    found = records.where(part="sources", dataset="sign")
    return figures.signs(
        figures.by_place(found.where(metric="positive_share"), "layer"),
        figures.by_place(found.where(metric="mean_cosine"), "layer"),
    )


@plot
def clamps(records: Records) -> Any:
    """What clamping does: by rule in the last layer, and by value for the dog neuron."""
    rules = {
        system: records.where(dataset="last_layer", metric="gain", system=system).values()
        for system in figures.RULES
    }
    curve = records.where(dataset="dog_curve", metric="gain")
    curves = {system: figures.by_place(curve.where(system=system), "value") for system in curve.systems}
    return figures.clamps(rules, curves)


@plot
def agreement_and_drift(records: Records) -> Any:
    """Top tokens kept, against how far the weights moved."""
    found = records.where(part="tuning", dataset="drift")
    curves = {}
    for system in ("full", "lora"):
        moved = figures.by_place(found.where(system=system, metric="relative_step"), "steps")
        for name in (system, f"{system}_random"):
            kept = figures.by_place(found.where(system=name, metric="agreement"), "steps")
            curves[name] = ([moved[1][i] for i in range(len(kept[0]))], kept[1])
    return figures.drift(curves)
