"""Type a prompt, keep fewer neurons, and read how the text changes."""

from typing import Any, Literal

import torch

from octavo import data
from octavo.errors import OctavoError
from octavo.lab import house_style
from octavo.language.coreinfer import figures
from octavo.language.coreinfer.continuation import overlap
from octavo.language.coreinfer.inference import SHORTEST, CoreInfer
from octavo.language.coreinfer.stand_in import stand_in
from octavo.language.coreinfer.timing import Clock
from octavo.language.coreinfer.watching import core_neurons

LONGEST = 1000
PROMPT = (
    "Once upon a time there was a little fox who lived at the edge of a dark forest. Every evening he sat on "
    "a stone by the river, looked at the moon and wondered what was on the other side. One night"
)
OTHER = (
    "def mean(numbers):\n    total = 0\n    for number in numbers:\n        total += number\n    return total"
)


def demo(
    prompt: str = PROMPT,
    keep: float = 0.6,
    last_prompt: str = OTHER,
    new_tokens: int = 20,
    rule: Literal["abs", "paper", "energy"] = "abs",
    layers: Literal["auto", "all"] = "auto",
    mean_fill: bool = True,
    model: Literal["smollm2", "stand_in"] = "smollm2",
) -> dict[str, Any]:
    """Writes on from a prompt with the whole model and with the prompt's core, side by side.

    Args:
        prompt: of at least eight tokens; a sentence or two.
        keep: the share of feed-forward neurons that write, from 1 down to 0.1 or less.
        last_prompt: another text, whose core is compared with the prompt's.
        new_tokens: how long the texts are.
        rule: how often a neuron's absolute activation is among the largest, how often its positive one is as
            in the paper, or its energy.
        layers: the middle ones as in the official code, or all of them.
        mean_fill: replace the neurons that are left out by their mean over the prompt.
        model: SmolLM2, or a random stand-in that needs no download and says nothing sensible.

    Raises:
        OctavoError: a share that is none, too few or too many tokens.
    """
    if not 0 < keep <= 1:
        raise OctavoError(f"--keep is the share of neurons that stay, above 0 and up to 1; got {keep:g}.")
    if not 4 <= new_tokens <= LONGEST:
        raise OctavoError(f"--new-tokens is from 4 to {LONGEST}: fewer cannot be timed; got {new_tokens}.")
    if model == "smollm2":
        loaded = data.load("smollm2")
        network, tokenizer = loaded.model, loaded.tokenizer
    else:
        network, tokenizer = stand_in()
    ids, other = (
        torch.tensor([tokenizer(text, add_special_tokens=False).input_ids]) for text in (prompt, last_prompt)
    )
    for name, found in (("--prompt", ids), ("--last-prompt", other)):
        if not SHORTEST <= found.shape[1] <= LONGEST:
            raise OctavoError(f"{name} has {found.shape[1]} tokens; it needs {SHORTEST} to {LONGEST}.")
    settings = {"max_new_tokens": new_tokens, "do_sample": False, "pad_token_id": tokenizer.pad_token_id}
    shares = sorted({1.0, keep}, reverse=True)
    texts: dict[str, str] = {}
    milliseconds: dict[float, float] = {}
    infer = CoreInfer(network, keep, rule=rule, layers=layers, mean_fill=mean_fill)
    for share in shares:
        infer = CoreInfer(network, share, rule=rule, layers=layers, mean_fill=mean_fill)
        clock = Clock()
        out = infer.generate(ids, streamer=clock, **settings)
        milliseconds[share] = clock.milliseconds()
        name = "the whole model" if share == 1 else f"{share:.0%} of the neurons"
        texts[name] = tokenizer.decode(out[0, ids.shape[1] :])
    cores = infer.cores
    others = core_neurons(network, other, keep=keep, rule=rule)
    common = overlap(cores, {layer: others[layer] for layer in cores})
    with house_style():
        drawn = figures.written(prompt, texts, milliseconds, common, keep)
    return {
        **texts,
        "milliseconds a token": {f"{share:g}": round(took, 1) for share, took in milliseconds.items()},
        "share of the core that the other text's core has, too": round(common, 3),
        "by chance it would be": keep,
        "figure": drawn,
    }
