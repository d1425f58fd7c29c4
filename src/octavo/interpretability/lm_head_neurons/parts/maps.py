"""What the weights say: specialised neurons, the whole model, its speed and its sources."""

import numpy as np
from torch import nn

from octavo.interpretability.lm_head_neurons import answers, figures, peers, prompts, specialisation
from octavo.interpretability.lm_head_neurons.decode import nearest
from octavo.interpretability.lm_head_neurons.feed_forward import feed_forwards
from octavo.interpretability.lm_head_neurons.neuron_map import NeuronMap
from octavo.interpretability.lm_head_neurons.parts.models import Loaded, load
from octavo.interpretability.lm_head_neurons.reader import HeadReader
from octavo.interpretability.lm_head_neurons.scales import LLAMA_8B, Config
from octavo.interpretability.lm_head_neurons.scan import scan
from octavo.lab import Lab, house_style, part


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
