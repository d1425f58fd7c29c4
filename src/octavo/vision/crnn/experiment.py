"""Every claim of the abstract, measured beside the systems that it is about."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from octavo import data
from octavo.lab import Endless, Lab, Records, TensorData, colours, house_style, part, plot, weights
from octavo.vision.crnn import figures, peers
from octavo.vision.crnn.bk_tree import BKTree
from octavo.vision.crnn.checkpoints import crnn_pretrained, from_easyocr
from octavo.vision.crnn.digit_strings import (
    ANY,
    APART,
    DIGITS,
    TOUCHING,
    DigitClassifier,
    DigitStrings,
    classifier_loss,
    read_in_two_steps,
    single,
    strings_of,
)
from octavo.vision.crnn.errors import correct, edits, plain
from octavo.vision.crnn.folding import CaseFolded, parameters_of
from octavo.vision.crnn.lexicon import Lexicon, most_probable
from octavo.vision.crnn.lines import RenderedLines, as_images
from octavo.vision.crnn.measures import (
    log_probs_of,
    read_batch,
    rebuilt_lexicon,
    record_reading,
    record_words,
    texts_of,
    tuned_segmenter,
)
from octavo.vision.crnn.network import CRNN, MusicCRNN
from octavo.vision.crnn.rendering import (
    TextRenderer,
    TextSource,
    fonts_everywhere,
    fonts_of_this_machine,
)
from octavo.vision.crnn.scales import SCALES, Config, OptimizerName
from octavo.vision.crnn.scores import PITCHES, Engraved, Photographed, ScoreBatches, engrave, fragments
from octavo.vision.crnn.staff_reader import StaffReader
from octavo.vision.crnn.warm_up import WithShortcut, read_loss

__all__ = ["SCALES", "Config"]

READER = "0-9A-Za-z !$%&',.:?-"
"""The characters of the reader that comes with octavo."""


def seeded(lab: Lab, make: Callable[[], nn.Module]) -> Any:
    """A model whose first weights are a function of the unit's seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init"))
        return make()


def train(
    lab: Lab,
    name: str,
    model: CRNN,
    batches: Any,
    steps: int,
    batch_size: int,
    optimizer: OptimizerName = "adamw",
) -> None:
    """Trains a reader from texts alone; the same settings for all of them."""
    settings: dict[str, Any] = {"learning_rate": 2e-3, "weight_decay": 1e-4, "schedule": "cosine"}
    if optimizer == "adadelta":  # the paper's
        settings = {"optimizer": partial(torch.optim.Adadelta, rho=0.9)}
    lab.fit(
        name,
        seeded(lab, lambda: WithShortcut(model)),
        read_loss,
        Endless(batches),
        steps=steps,
        batch_size=batch_size,
        warmup_steps=min(100, steps // 10),
        clip_norm=5.0,
        precision="bfloat16",
        **settings,
    )


@weights
def reader(lab: Lab) -> CRNN:
    """Reads rendered lines of English text: half a million parameters, some minutes on one core."""
    model: CRNN = seeded(lab, lambda: CRNN(READER, width_mult=0.25))
    train(
        lab,
        "reader on rendered lines",
        model,
        rendered_lines(model, fonts_of_this_machine(), strength=0.6),
        steps=2500,
        batch_size=32,
    )
    measure_rendered(lab, "reader", model, rendered_lines(model, fonts_everywhere()), 500)
    return model.half()


def rendered_lines(model: CRNN, fonts: tuple[Path, ...], strength: float = 1.0) -> RenderedLines:
    """Lines of English words, numbers and strings."""
    words = data.load("hunspell_en_us").stems
    return RenderedLines(TextRenderer(fonts, strength=strength), TextSource(words, READER), model.alphabet)


def measure_rendered(lab: Lab, system: str, model: CRNN, lines: RenderedLines, number: int) -> None:
    """Share of fresh lines that are read without an error, and errors a character."""
    read: list[str] = []
    written: list[str] = []
    for index in range(-(-number // 50)):
        batch = lines(lab.generator("held out", index), min(50, number))
        read += read_batch(model, batch)
        written += texts_of(model, batch)
    record_reading(lab, system, "rendered_lines", read, written)


@part(data=("MNIST5k",))
def digit_strings(config: Config, lab: Lab) -> None:
    """Strings of digits that touch: from end to end, on frozen features, and cut first."""
    known, unseen = data.load("MNIST5k").hold_out(0.2, seed=lab.seed)
    batches = DigitStrings(known.pictures, known.labels)
    classifier = seeded(lab, lambda: DigitClassifier(config.digit_width))
    lab.fit(
        "classifier on single digits",
        classifier,
        lambda model, batch, _: classifier_loss(model, batch),
        TensorData(
            images=as_images([single(picture) for picture in known.pictures]),
            labels=torch.from_numpy(known.labels),
        ),
        steps=config.classifier_steps,
        batch_size=64,
        learning_rate=2e-3,
        schedule="cosine",
    )
    readers: dict[str, CRNN] = {}
    for system in ("crnn", "frozen_random", "frozen_digits"):
        model: CRNN = seeded(lab, lambda: CRNN(DIGITS, width_mult=config.digit_width))
        if system == "frozen_digits":
            model.features.load_state_dict(classifier.features.state_dict())
        if system != "crnn":
            model.features.requires_grad_(False)
        train(lab, f"{system} on strings", model, batches, config.digit_steps, config.digit_batch)
        readers[system] = model
    segmenter = tuned_segmenter(batches, classifier, config.tuning_strings, lab)
    for dataset, lengths, gaps in (
        ("strings", (2, 6), ANY),
        ("touching", (2, 6), TOUCHING),
        ("apart", (2, 6), APART),
        ("long_strings", (7, 15), ANY),
    ):
        source = DigitStrings(unseen.pictures, unseen.labels, lengths, gaps)
        tests = [source(lab.generator(dataset, index), 20) for index in range(-(-config.test_strings // 20))]
        written = [text for batch in tests for text in texts_of(readers["crnn"], batch)]
        for system, model in readers.items():
            read = [text for batch in tests for text in read_batch(model, batch)]
            record_reading(lab, system, dataset, read, written)
        cut = [
            text for batch in tests for text in read_in_two_steps(strings_of(batch), segmenter, classifier)
        ]
        record_reading(lab, "pipeline", dataset, cut, written)
    if lab.seed == 0:
        with house_style():
            lab.figure(
                "strings", figures.strings_read(strings_of(tests[0])[:6], readers["crnn"], written[:6])
            )


@part(seeds=1)
def sizes(config: Config, lab: Lab) -> None:
    """Parameters of the paper's network, and frames of pictures of any width."""
    model = CRNN().eval()
    for system, number in (
        ("crnn", parameters_of(model)),
        ("paper_table_1", parameters_of(CRNN(variant="paper"))),
    ):
        lab.record(system=system, dataset="model", metric="parameters", value=number)
    lab.record(system="crnn", dataset="model", metric="bytes", value=4 * parameters_of(model), unit="bytes")
    small = CRNN(width_mult=0.05).eval()
    surplus = 0
    for width in (32, 33, 50, 99, 100, 101, 640, 1600):
        with torch.no_grad():
            frames = small(torch.zeros(1, 1, 32, width)).log_probs.shape[1]
        surplus = max(surplus, abs(frames - (width // 4 + 1)))
    lab.record(system="crnn", dataset="widths", metric="surplus_frames", value=surplus)
    shipped = crnn_pretrained("rendered")
    lab.record(system="rendered", dataset="model", metric="parameters", value=parameters_of(shipped))


@part(seeds=1, data=("easyocr_english",))
def sizes_of_others(config: Config, lab: Lab) -> None:
    """Parameters and bytes of readers that others made."""
    state = data.load("easyocr_english")
    learned = [
        tensor for name, tensor in state.items() if tensor.is_floating_point() and "running" not in name
    ]
    total = sum(tensor.numel() for tensor in learned)
    lab.record(system="easyocr", dataset="model", metric="parameters", value=total)
    lab.record(system="easyocr", dataset="model", metric="bytes", value=4 * total, unit="bytes")
    for system, size in (("tesseract", peers.tesseract_bytes), ("rapidocr", peers.rapidocr_bytes)):
        lab.record(system=system, dataset="model", metric="bytes", value=size(), unit="bytes")


def english(lab: Lab) -> CRNN:
    """The pretrained English reader."""
    return from_easyocr(data.load("easyocr_english")).to(lab.device)


def scene_words(config: Config) -> Any:
    """The words of IIIT5k that are read."""
    return data.load("IIIT5k").some(config.words)


@part(seeds=1, data=("IIIT5k", "easyocr_english"))
def scene_text(config: Config, lab: Lab) -> None:
    """Words of real scenes, without a lexicon and with lexica of 50 and 1,000 words."""
    words, model = scene_words(config), english(lab)
    frames = log_probs_of(model, words.pictures, config.batch_size)
    read = [model.transcribe(each).text for each in frames]
    record_words(lab, "english", "IIIT5k", read, words.texts)
    number = min(config.peer_words, len(words))
    record_words(lab, "english", f"IIIT5k_{config.peer_words}", read[:number], words.texts[:number])
    folded = CaseFolded(model).eval()
    everything = sorted({plain(text) for text in data.load("IIIT5k").texts})
    for name, size in (("50", 50), ("1k", 1000)):
        chosen = []
        for index, (text, each) in enumerate(zip(words.texts, frames, strict=True)):
            lexicon = rebuilt_lexicon(plain(text), everything, size, lab.generator(f"lexicon {name}", index))
            chosen.append(most_probable(folded.folded(each), lexicon, folded.alphabet)[0].text)
        record_words(lab, "english", f"IIIT5k_lexicon_{name}", chosen, words.texts)
        lab.record(system="chance", dataset=f"IIIT5k_lexicon_{name}", metric="accuracy", value=1 / size)
    with house_style():
        picked = [index for index, text in enumerate(words.texts) if 4 <= len(text) <= 9][:3]
        shown = [(words.pictures[index], frames[index]) for index in picked]
        lab.figure("posterior", figures.posteriors(shown, model))


@part(seeds=1, data=("IIIT5k", "easyocr_english"))
def squashed(config: Config, lab: Lab) -> None:
    """The same words, every one squashed to one width."""
    words, model = scene_words(config), english(lab)
    settings = {"keep_ratio": False, "min_width": config.squashed_width}
    frames = log_probs_of(model, words.pictures, 2 * config.batch_size, **settings)
    read = [model.transcribe(each).text for each in frames]
    record_words(lab, "english_squashed", "IIIT5k", read, words.texts)


@part(seeds=1, data=("IIIT5k",))
def tesseract(config: Config, lab: Lab) -> None:
    """The same words with Tesseract, each made ready as its makers ask."""
    words = scene_words(config)
    record_words(lab, "tesseract", "IIIT5k", peers.tesseract(words.pictures), words.texts)


@part(seeds=1, data=("IIIT5k",))
def rapidocr(config: Config, lab: Lab) -> None:
    """Some of the words with RapidOCR's recogniser, and with Tesseract, made ready for it or as they are."""
    words = scene_words(config)
    number = min(config.peer_words, len(words))
    dataset, pictures, texts = f"IIIT5k_{config.peer_words}", words.pictures[:number], words.texts[:number]
    record_words(lab, "rapidocr", dataset, peers.rapidocr(pictures), texts)
    record_words(lab, "tesseract", dataset, peers.tesseract(pictures), texts)
    raw = peers.tesseract(pictures, prepared=False)
    record_words(lab, "tesseract_unprepared", dataset, raw, texts)


@part(seeds=1, data=("IIIT5k", "easyocr_english", "hunspell_en_us"))
def dictionary(config: Config, lab: Lab) -> None:
    """A dictionary searched within edit distances, and exactly."""
    words, model = data.load("IIIT5k"), CaseFolded(english(lab)).eval()
    known = Lexicon(data.load("hunspell_en_us").words(config.dictionary))
    here = set(known.words)
    rows = [row for row, text in enumerate(words.texts) if plain(text) in here]
    order = torch.randperm(len(rows), generator=lab.generator("words"))[: config.dictionary_words].tolist()
    rows = sorted(rows[index] for index in order)
    texts = [words.texts[row] for row in rows]
    frames = log_probs_of(model, [words.pictures[row] for row in rows], config.batch_size)
    reach = edits([model.transcribe(each).text for each in frames], [plain(text) for text in texts])
    for delta in config.deltas:
        start = time.perf_counter()
        found = [known.decode(each, model.alphabet, delta=delta)[0].text for each in frames]
        seconds = (time.perf_counter() - start) / len(frames)
        place = {"delta": delta}
        right = correct(found, [plain(text) for text in texts])
        within = (reach <= delta).astype(float)
        for metric, values in (("accuracy", right), ("coverage", within)):
            lab.record(
                system="english",
                dataset="IIIT5k_50k",
                metric=metric,
                value=values.mean(),
                at=place,
                items=values,
            )
        lab.record(
            system="english", dataset="IIIT5k_50k", metric="seconds", value=seconds, unit="s", at=place
        )
    start = time.perf_counter()
    found = [known.decode(each, model.alphabet, mode="exact")[0].text for each in frames]
    seconds = (time.perf_counter() - start) / len(frames)
    record_words(lab, "exact", "IIIT5k_50k", found, texts)
    lab.record(system="exact", dataset="IIIT5k_50k", metric="seconds", value=seconds, unit="s")


@part(data=("hunspell_en_us",))
def tree_search(config: Config, lab: Lab) -> None:
    """How many words of a dictionary the tree looks at, for larger and larger ones."""
    everything = data.load("hunspell_en_us").words(max(config.dictionary_sizes))
    order = torch.randperm(len(everything), generator=lab.generator("order")).tolist()
    looked_at = []
    for size in config.dictionary_sizes:
        tree = BKTree([everything[index] for index in order[:size]])
        visits = []
        for index in range(40):
            word = everything[
                int(torch.randint(len(everything), (), generator=lab.generator("query", index)))
            ]
            tree.within(word, 3)
            visits.append(tree.visited)
        looked_at.append(float(np.mean(visits)))
        place = {"words": size}
        lab.record(system="bk_tree", dataset="dictionaries", metric="visited", value=looked_at[-1], at=place)
        lab.record(
            system="bk_tree", dataset="dictionaries", metric="share", value=looked_at[-1] / size, at=place
        )
    slope = np.polyfit(np.log(config.dictionary_sizes), np.log(looked_at), 1)[0]
    lab.record(system="bk_tree", dataset="dictionaries", metric="slope", value=slope)
    lab.record(system="scan", dataset="dictionaries", metric="slope", value=1.0)


@part(seeds=1, data=("hunspell_en_us",))
def rendered(config: Config, lab: Lab) -> None:
    """A reader that has seen rendered lines alone; trained here, or as it comes with octavo."""
    if config.rendered_steps:
        model: CRNN = seeded(lab, lambda: CRNN(READER, width_mult=config.rendered_width))
        train(
            lab,
            "on rendered lines",
            model,
            rendered_lines(model, fonts_of_this_machine() if config.all_fonts else fonts_everywhere()),
            config.rendered_steps,
            config.rendered_batch,
            config.optimizer,
        )
    else:
        model = crnn_pretrained("rendered").to(lab.device)
    measure_rendered(lab, "rendered", model, rendered_lines(model, fonts_everywhere()), config.rendered_test)
    words = scene_words(config)
    frames = log_probs_of(model, words.pictures, 2 * config.batch_size)
    read = [model.transcribe(each).text for each in frames]
    record_words(lab, "rendered", "IIIT5k", read, words.texts)


@part(data=("essen_songs",))
def music(config: Config, lab: Lab) -> None:
    """Pitches of printed tunes, clean and photographed, beside a reader by rules."""
    train_set, test_set = engraved_tunes(config, lab)
    photograph = Photographed()
    batches = ScoreBatches(train_set, photograph)
    model: MusicCRNN = seeded(lab, lambda: MusicCRNN(list(PITCHES), width_mult=config.music_width))
    train(lab, "music", model, batches, config.music_steps, config.music_batch)
    rules = StaffReader()
    for dataset in ("music_clean", "music_photographed"):
        random = np.random.default_rng(lab.key(dataset) >> 2)
        seen = [
            each if dataset == "music_clean" else Engraved(photograph(each.picture, random), each.text)
            for each in test_set
        ]
        some = train_set[: config.tuning_fragments]
        tuning = [
            each if dataset == "music_clean" else Engraved(photograph(each.picture, random), each.text)
            for each in some
        ]
        written = [each.text for each in seen]
        ordered = [read_batch(model, {"images": as_images([each.picture])})[0] for each in seen]
        record_reading(lab, "music_crnn", dataset, ordered, written, " ")
        tuned = rules.tuned(tuning)
        record_reading(lab, "staff_reader", dataset, [tuned(each.picture) for each in seen], written, " ")
    if lab.seed == 0:
        with house_style():
            lab.figure("scores", figures.scores_read(seen[:4], model))


def engraved_tunes(config: Config, lab: Lab) -> tuple[list[Engraved], list[Engraved]]:
    """Fragments to train on, and of other tunes to test with."""
    melodies = data.load("essen_songs")
    random = np.random.default_rng(lab.key("tunes") >> 2)
    order = random.permutation(len(melodies))
    cut = len(melodies) // 5
    chosen = []
    for rows, number in ((order[cut:], config.fragments), (order[:cut], config.test_fragments)):
        found = fragments([melodies[row] for row in rows], number, random)
        chosen.append([Engraved(engrave(each), each.text) for each in found])
    return chosen[0], chosen[1]


@part(seeds=1, timed=True, data=("IIIT5k", "easyocr_english"))
def speed(config: Config, lab: Lab) -> None:
    """Milliseconds a word: in batches of one width, one by one, and the peers that are here."""
    words, model = data.load("IIIT5k").some(24), english(lab)
    pictures = list(words.pictures)[: max(4, min(24, config.peer_words))]

    def one_by_one() -> None:
        for picture in pictures:
            log_probs_of(model, [picture], 1)

    functions: dict[str, Callable[[], Any]] = {
        "english": lambda: log_probs_of(model, pictures, config.batch_size),
        "english_one_by_one": one_by_one,
        "tesseract": lambda: peers.tesseract(pictures),
        "rapidocr": lambda: peers.rapidocr(pictures),
    }
    timings = lab.time(functions, repeats=7, warmup=1)
    for system in functions:
        each = [seconds / len(pictures) for seconds in timings.seconds[system]]
        lab.record(
            system=system,
            dataset="IIIT5k",
            metric="seconds_per_word",
            value=timings.median(system) / len(pictures),
            unit="s",
            items=each,
        )


@plot
def trade_of_the_edit_distance(records: Records) -> Any:
    """Accuracy and time of a dictionary search against the edit distance: the paper's Figure 4."""
    found = records.where(part="dictionary", system="english")
    curves = {
        metric: sorted((dict(record.at)["delta"], record.value) for record in found.where(metric=metric))
        for metric in ("accuracy", "coverage", "seconds")
    }
    exact = records.where(part="dictionary", system="exact")
    levels = {metric: exact.where(metric=metric).values()[0] for metric in ("accuracy", "seconds")}
    return figures.edit_distances(curves, levels, colours(["english", "exact"]))


@plot
def readers_of_scenes(records: Records) -> Any:
    """Accuracy of readers of the same real words, against the size of their weights."""
    found = records.where(metric="accuracy", dataset="IIIT5k")
    accuracy = {system: found.where(system=system).values()[0] for system in found.systems}
    return figures.readers(accuracy, colours(list(accuracy)))
