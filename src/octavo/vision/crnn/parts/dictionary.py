"""A dictionary of 50,000 words: searched near what was read, by a tree, and exactly."""

import time

import numpy as np
import torch
from torch import Tensor

from octavo import data
from octavo.lab import Lab, part
from octavo.vision.crnn.alphabet import Alphabet
from octavo.vision.crnn.bk_tree import BKTree
from octavo.vision.crnn.errors import correct, edits, plain
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.lexicon import Lexicon
from octavo.vision.crnn.measures import log_probs_of, record_words
from octavo.vision.crnn.parts.scenes import english
from octavo.vision.crnn.scales import Config


@part(seeds=1, data=("IIIT5k", "easyocr_english", "hunspell_en_us"))
def dictionary(config: Config, lab: Lab) -> None:
    """All words of the test set that a dictionary has: searched within edit distances, and exactly."""
    words, model = data.load("IIIT5k"), CaseFolded(english(lab)).eval()
    known = Lexicon(data.load("hunspell_en_us").words(config.dictionary))
    rows = [row for row, text in enumerate(words.texts) if plain(text) in known]
    if config.dictionary_words is not None:
        order = torch.randperm(len(rows), generator=lab.generator("words"))[: config.dictionary_words]
        rows = sorted(rows[index] for index in order.tolist())
    texts = [plain(words.texts[row]) for row in rows]
    frames = log_probs_of(model, [words.pictures[row] for row in rows], config.batch_size)
    free = [model.transcribe(each).text for each in frames]
    reach = edits(free, texts)
    best = [known.decode(each, model.alphabet, mode="exact")[0].text for each in frames]
    record_words(lab, "exact", "IIIT5k_50k", best, texts)
    apart = edits(free, best)
    for delta in config.deltas:
        # The most probable of all words is that of the near ones too, where it is one of them.
        found = [
            word if far <= delta else known.decode(each, model.alphabet, delta=delta)[0].text
            for word, far, each in zip(best, apart, frames, strict=True)
        ]
        for system, metric, values in (
            ("english", "accuracy", correct(found, texts)),
            ("english", "coverage", (reach <= delta).astype(float)),
            # It knows no distance: beside each of them it is the same control.
            ("exact", "accuracy", correct(best, texts)),
        ):
            lab.record(
                system=system,
                dataset="IIIT5k_50k",
                metric=metric,
                value=values.mean(),
                at={"delta": delta},
                items=values,
            )
    timed = slice(0, config.timed_words)
    record_work(config, lab, known, frames[timed], free[timed], model.alphabet)


def record_work(
    config: Config, lab: Lab, known: Lexicon, frames: list[Tensor], free: list[str], alphabet: Alphabet
) -> None:
    """Seconds a word of each search, and the share of the dictionary that the tree looks at."""
    for delta in config.deltas:
        start = time.perf_counter()
        for each in frames:
            known.decode(each, alphabet, delta=delta)
        seconds = (time.perf_counter() - start) / len(frames)
        visits = []
        for text in free[: config.tree_words]:
            known.nearest(text, delta, method="tree")
            visits.append(known.tree.visited / len(known))
        for system, metric, value, unit in (
            ("english", "seconds", seconds, "s"),
            ("bk_tree", "share", float(np.mean(visits)), ""),
        ):
            lab.record(
                system=system,
                dataset="IIIT5k_50k",
                metric=metric,
                value=value,
                unit=unit,
                at={"delta": delta},
            )
    start = time.perf_counter()
    for each in frames:
        known.decode(each, alphabet, mode="exact")
    seconds = (time.perf_counter() - start) / len(frames)
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
