"""The texts of the experiment: five kinds, in two halves that share no document."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from octavo import data
from octavo.data import embedded
from octavo.errors import Missing, OctavoError
from octavo.language.coreinfer.scales import Config
from octavo.language.coreinfer.stand_in import stand_in

KINDS = ("story", "encyclopedia", "code", "news", "questions")
EMBEDDED = ("code", "manual")
_LETTERS_A_TOKEN = 7
_TRIES = 400


def load_model(config: Config, device: str) -> tuple[Any, Any]:
    """The model and its tokenizer.

    Raises:
        Missing: the model is not on this machine.
    """
    dtype = getattr(torch, config.precision)
    if config.model == "stand_in":
        model, tokenizer = stand_in()
    elif config.model == "smollm2":
        loaded = data.load("smollm2", dtype=dtype)
        model, tokenizer = loaded.model, loaded.tokenizer
    else:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            model = AutoModelForCausalLM.from_pretrained(config.model, dtype=dtype)
            tokenizer = AutoTokenizer.from_pretrained(config.model)
        except OSError as error:
            raise Missing(
                "hub", f"Go online or give a folder: {config.model} is not on this machine."
            ) from error
    return model.eval().to(device), tokenizer


def sliced_layers(config: Config) -> range:
    """The layers whose neurons are chosen."""
    return range(config.layers[0], config.layers[1] + 1)


def documents(kind: str, config: Config, *, held_out: bool) -> Sequence[str]:
    """The texts of a kind, cut later: those to measure on, or those that others were learned from.

    Args:
        kind: one of `KINDS`, or "manual".
        config: its stand-in model reads what Python brings, whatever the kind.
        held_out: those to measure on.

    Raises:
        MissingData: the data set of the kind is not on this machine.
    """
    half = slice(1, None, 2) if held_out else slice(0, None, 2)
    if kind == "code" or config.model == "stand_in":
        return embedded.programs()[half]
    if kind == "manual":
        return embedded.manual()[half]
    if kind == "story":
        books = data.load("gutenberg_stories")
        return [text for _, text in sorted(books.items())][half]
    if kind == "encyclopedia":
        articles = data.load("wikitext2")
        return list(articles.test if held_out else articles.validation)
    if kind == "news":
        posts = data.load("newsgroups20")
        return list((posts.test if held_out else posts.train).texts)
    if kind == "questions":
        return [str(one) for one in data.load("self_instruct")][half]
    raise OctavoError(f"there are no texts of the kind {kind!r}; there are {', '.join((*KINDS, 'manual'))}")


def pieces(
    kind: str,
    count: int,
    tokens: int,
    tokenizer: Any,
    generator: torch.Generator,
    config: Config,
    *,
    held_out: bool = True,
) -> list[Int[Tensor, " tokens"]]:
    """Stretches of texts of a kind, each of a document of its own as far as there are enough.

    Args:
        kind, config, held_out: as in `documents`.
        count, tokens: how many, how long.
        tokenizer: of the model.
        generator: draws the documents, and the lines at which the stretches begin.
    """
    texts = documents(kind, config, held_out=held_out)
    found: list[Tensor] = []
    order = torch.randperm(len(texts), generator=generator).tolist()
    for turn in range(_TRIES):
        if kind == "questions" and config.model != "stand_in":
            # One is too short: several in a row are what few-shot prompts look like.
            some = torch.randperm(len(texts), generator=generator)[:12].tolist()
            text = "\n".join(texts[number] for number in some)
        else:
            text = _from_a_line(texts[order[turn % len(order)]], tokens * _LETTERS_A_TOKEN, generator)
        ids = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        if len(ids) >= tokens:
            found.append(torch.tensor(ids[:tokens]))
        if len(found) == count:
            return found
    raise OctavoError(f"{kind}: only {len(found)} of {count} texts of {tokens} tokens were found")


def _from_a_line(text: str, letters: int, generator: torch.Generator) -> str:
    last = max(0, len(text) - letters)
    start = int(torch.randint(last + 1, (), generator=generator))
    start = text.find("\n", start, last) + 1 if start else 0
    return text[start : start + letters].lstrip("\n")


def of_all_kinds(
    count: int, tokens: int, tokenizer: Any, lab: Any, config: Config, *, held_out: bool = True, stream: str
) -> dict[str, list[Int[Tensor, " tokens"]]]:
    """So many stretches of each of the five kinds, from the random stream of a name."""
    return {
        kind: pieces(
            kind, count, tokens, tokenizer, lab.generator(f"{stream} {kind}"), config, held_out=held_out
        )
        for kind in KINDS
    }
