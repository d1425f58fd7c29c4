"""A dictionary of 50,000 words: searched near what was read, by a tree, and exactly."""

import time

import numpy as np
import torch

from octavo import data
from octavo.lab import Lab, part
from octavo.vision.crnn.bk_tree import BKTree
from octavo.vision.crnn.errors import correct, edits, plain
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.lexicon import Lexicon
from octavo.vision.crnn.measures import log_probs_of, record_words
from octavo.vision.crnn.parts.scenes import english
from octavo.vision.crnn.scales import Config


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
    # It knows no distance: beside each of them it is the same control.
    right = correct([plain(text) for text in found], [plain(text) for text in texts])
    for delta in config.deltas:
        lab.record(
            system="exact",
            dataset="IIIT5k_50k",
            metric="accuracy",
            value=right.mean(),
            at={"delta": delta},
            items=right,
        )
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
