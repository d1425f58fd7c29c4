"""Every claim of the abstract, measured beside the systems that it is about."""

from typing import Any

import torch

from octavo import data
from octavo.lab import Endless, Lab, weights
from octavo.vision.crnn.lines import RenderedLines
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.rendering import TextRenderer, TextSource

READER = "0-9A-Za-z !\"#$%&'()*+,./:;?@-"


@weights
def reader(lab: Lab) -> CRNN:
    """Reads rendered lines of English text: 1.2 million parameters, a quarter of an hour on one core."""
    model = seeded(lab, lambda: CRNN(READER, width_mult=0.375))
    words = data.load("hunspell_en_us").stems
    lines = RenderedLines(TextRenderer(), TextSource(words, READER), model.alphabet)
    lab.fit(
        "reader on rendered lines",
        model,
        read_loss,
        Endless(lines),
        steps=4000,
        batch_size=32,
        learning_rate=1.5e-3,
        weight_decay=1e-4,
        schedule="cosine",
        warmup_steps=200,
        clip_norm=5.0,
        precision="bfloat16",
    )
    return model.half()


def seeded(lab: Lab, make: Any) -> Any:
    """A model whose first weights are a function of the unit's seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.key("init"))
        return make().to(memory_format=torch.channels_last)


def read_loss(model: CRNN, batch: dict[str, torch.Tensor], _: Any) -> torch.Tensor:
    """The loss of a batch of lines."""
    loss = model(**batch).loss
    assert loss is not None
    return loss
