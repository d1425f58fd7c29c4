"""Printed music, clean and photographed, beside a reader by rules."""

import numpy as np

from octavo import data
from octavo.lab import Lab, house_style, part, weights
from octavo.vision.crnn import figures
from octavo.vision.crnn.lines import as_images
from octavo.vision.crnn.measures import read_batch, record_reading
from octavo.vision.crnn.network import MusicCRNN
from octavo.vision.crnn.parts.training import seeded, train
from octavo.vision.crnn.scales import Config
from octavo.vision.crnn.scores import PITCHES, Engraved, Photographed, ScoreBatches, engrave, fragments
from octavo.vision.crnn.staff_reader import StaffReader


def trained_on(lab: Lab, model: MusicCRNN, tunes: list[Engraved], steps: tuple[int, int], size: int) -> None:
    """Trains on photographs of fragments, of which there are new ones every time.

    On fragments of few notes the network soon leaves the phase in which it reads nothing but blanks, so the
    shortest quarter comes first, at a rate that does not fall while there is so much to learn. Few fragments
    a step serve better than many: in the same time twice the steps.

    Args:
        lab: trains.
        model: the reader.
        tunes: engraved fragments.
        steps: on the short ones, and on all.
        size: fragments a step.
    """
    short = sorted(tunes, key=lambda each: each.text.count(" "))[: max(1, len(tunes) // 4)]
    photographed = ScoreBatches(short, Photographed()), ScoreBatches(tunes, Photographed())
    train(lab, "music, short fragments", model, photographed[0], steps[0], size, schedule="constant")
    train(lab, "music, all fragments", model, photographed[1], steps[1], size)


@weights
def score_reader(lab: Lab) -> MusicCRNN:
    """Reads the pitches of photographed staves: half a million parameters, some minutes on one core."""
    config = Config()
    tunes, others = engraved_tunes(config, lab)
    model: MusicCRNN = seeded(lab, lambda: MusicCRNN(list(PITCHES), width_mult=config.music_width))
    trained_on(lab, model, tunes, (600, 2000), config.music_batch)
    random = np.random.default_rng(lab.key("held out") >> 2)
    seen = [Engraved(Photographed()(each.picture, random), each.text) for each in others]
    read = [read_batch(model, {"images": as_images([each.picture])})[0] for each in seen]
    record_reading(lab, "score_reader", "music_photographed", read, [each.text for each in seen], " ")
    return model.half()


@part(data=("essen_songs",))
def music(config: Config, lab: Lab) -> None:
    """Pitches of printed tunes, clean and photographed, beside a reader by rules."""
    train_set, test_set = engraved_tunes(config, lab)
    photograph = Photographed()
    model: MusicCRNN = seeded(lab, lambda: MusicCRNN(list(PITCHES), width_mult=config.music_width))
    steps = config.music_short_steps, config.music_steps
    trained_on(lab, model, train_set, steps, config.music_batch)
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
