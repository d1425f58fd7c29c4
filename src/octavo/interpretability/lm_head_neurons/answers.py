"""Asking a model, and what its answers say: whether they name a concept, and how fluent they are."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from octavo.interpretability.lm_head_neurons.effects import left_padded


def as_chat(tokenizer: Any, question: str) -> str:
    """A question in the form that the model was instructed with."""
    return str(
        tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
        )
    )


@torch.no_grad()
def ask(
    model: Any,
    tokenizer: Any,
    questions: Sequence[str],
    *,
    new_tokens: int,
    samples: int = 0,
    temperature: float = 0.7,
    seed: int = 0,
) -> list[list[str]]:
    """Answers to questions, all in one batch padded on the left.

    Args:
        model: a causal language model of Hugging Face.
        tokenizer: with a chat template.
        questions: any number.
        new_tokens: at most so many in an answer.
        samples: drawn answers a question; without them one is chosen greedily.
        temperature: of the draw.
        seed: of the draw; the global random state stays as it was.

    Returns:
        For each question its answers.
    """
    batch = left_padded(tokenizer, [as_chat(tokenizer, question) for question in questions], model.device)
    batch.pop("position_ids")  # the generation makes its own, step by step
    options: dict[str, Any] = {"do_sample": False}
    if samples:
        options = {"do_sample": True, "temperature": temperature, "top_k": 0, "num_return_sequences": samples}
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        ids = model.generate(
            **batch,
            max_new_tokens=new_tokens,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            **options,
        )
    texts = tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    step = max(samples, 1)
    return [texts[first : first + step] for first in range(0, len(texts), step)]


def names(answer: str, words: Sequence[str]) -> bool:
    """Whether an answer has one of the words, as a whole word.

    Example:
        >>> names("Dogs, I think.", ("dog", "dogs")), names("A dogma.", ("dog", "dogs"))
        (True, False)
    """
    return not {*re.findall(r"[a-z]+", answer.lower())}.isdisjoint(words)


def shares(given: Sequence[Sequence[str]], words: Sequence[str]) -> np.ndarray:
    """For each question the share of its answers that have one of the words.

    Example:
        >>> shares([["A dog.", "A cat."]], ("dog",))
        array([0.5])
    """
    return np.array([np.mean([names(text, words) for text in some]) for some in given])


def distinct_pairs(answers: Sequence[str]) -> float:
    """The share of neighbouring word pairs that differ from all others of their answer: 1 without repetition.

    Example:
        >>> distinct_pairs(["dogs dogs dogs dogs"]), distinct_pairs(["I like dogs"])
        (0.3333333333333333, 1.0)
    """
    shares = []
    for answer in answers:
        words = answer.lower().split()
        pairs = list(pairwise(words))
        if pairs:
            shares.append(len(set(pairs)) / len(pairs))
    return sum(shares) / len(shares) if shares else 0.0


@torch.no_grad()
def surprise(model: nn.Module, tokenizer: Any, questions: Sequence[str], answers: Sequence[str]) -> Tensor:
    """Nats a token of each answer under the model as it is, the question given; NaN for an empty one.

    Args:
        model: not clamped.
        tokenizer: its tokenizer.
        questions, answers: one answer a question.
    """
    found = []
    for question, answer in zip(questions, answers, strict=True):
        asked = tokenizer(as_chat(tokenizer, question), add_special_tokens=False).input_ids
        said = tokenizer(answer, add_special_tokens=False).input_ids
        if not said:
            found.append(torch.tensor(torch.nan))
            continue
        ids = torch.tensor([asked + said], device=next(model.parameters()).device)
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(said) + 1).logits[0, :-1]
        found.append(torch.nn.functional.cross_entropy(logits.float(), ids[0, len(asked) :]).cpu())
    return torch.stack(found)
