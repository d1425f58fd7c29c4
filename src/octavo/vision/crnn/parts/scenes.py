"""Words of real scenes, and the readers that others made beside them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from octavo import data
from octavo.lab import Lab, house_style, part
from octavo.vision.crnn import figures, peers
from octavo.vision.crnn.checkpoints import from_easyocr
from octavo.vision.crnn.errors import correct, plain
from octavo.vision.crnn.folding import CaseFolded
from octavo.vision.crnn.measures import chance_of_no_rival, log_probs_of, record_words
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.scales import Config
from octavo.vision.crnn.trie import LetterTrie


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
    for number in sorted({config.peer_words, config.curve_words}):
        record_words(lab, "english", f"IIIT5k_{number}", read[:number], words.texts[:number])
    folded = CaseFolded(model).eval()
    everything = sorted({plain(text) for text in data.load("IIIT5k").texts})
    place = {text: row for row, text in enumerate(everything)}
    trie = LetterTrie([folded.alphabet.encode(text) for text in everything])
    # Every word of the test set is scored once for each picture; a lexicon is a draw from these words.
    scores = [trie.score_all(folded.folded(each).double().numpy(force=True)) for each in frames]
    true = [place[plain(text)] for text in words.texts]
    rivals = np.array([(own >= own[row]).sum() - 1 for own, row in zip(scores, true, strict=True)])
    for name, size in (("50", 50), ("1k", 1000)):
        right = chance_of_no_rival(rivals, len(everything) - 1, size - 1)
        dataset = f"IIIT5k_lexicon_{name}"
        lab.record(system="english", dataset=dataset, metric="accuracy", value=right.mean(), items=right)
        lab.record(system="chance", dataset=dataset, metric="accuracy", value=1 / size)
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
    number = min(config.curve_words, len(words))
    for width in config.squashed_widths:
        some = log_probs_of(
            model, words.pictures[:number], 2 * config.batch_size, keep_ratio=False, min_width=width
        )
        right = correct(
            [plain(model.transcribe(each).text) for each in some],
            [plain(text) for text in words.texts[:number]],
        )
        lab.record(
            system="english_squashed",
            dataset=f"IIIT5k_{config.curve_words}",
            metric="accuracy",
            value=right.mean(),
            at={"width": width},
        )


@part(seeds=1, data=("IIIT5k",))
def tesseract(config: Config, lab: Lab) -> None:
    """The same crops with Tesseract, told that each is one word."""
    words = scene_words(config)
    record_words(lab, "tesseract", "IIIT5k", peers.tesseract(words.pictures), words.texts)


@part(seeds=1, data=("IIIT5k",))
def rapidocr(config: Config, lab: Lab) -> None:
    """Some of the words with RapidOCR's recogniser, and with Tesseract, as they are or made ready for it."""
    words = scene_words(config)
    number = min(config.peer_words, len(words))
    dataset, pictures, texts = f"IIIT5k_{config.peer_words}", words.pictures[:number], words.texts[:number]
    record_words(lab, "rapidocr", dataset, peers.rapidocr(pictures), texts)
    record_words(lab, "tesseract", dataset, peers.tesseract(pictures), texts)
    ready = peers.tesseract(pictures, prepared=True)
    record_words(lab, "tesseract_prepared", dataset, ready, texts)


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
    lab.record_seconds(timings, dataset="IIIT5k", metric="seconds_per_word", calls=len(pictures))
