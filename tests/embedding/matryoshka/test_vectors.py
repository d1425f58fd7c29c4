"""Vectors of texts by a language model: the mean over what each text has, whatever stands beside it."""

from types import SimpleNamespace
from typing import Any

import torch
from transformers import BatchEncoding, LlamaConfig, LlamaForCausalLM

from octavo.embedding.matryoshka.vectors import hidden_means


def tokenizer(texts: list[str], **_: Any) -> BatchEncoding:
    """Letters as tokens."""
    rows = [torch.tensor([ord(letter) - 96 for letter in text]) for text in texts]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return BatchEncoding({"input_ids": ids, "attention_mask": (ids > 0).long()})


def test_means_of_hidden_states_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    language = SimpleNamespace(model=LlamaForCausalLM(config).eval(), tokenizer=tokenizer)
    texts = ["balance", "pay", "flight", "a"]
    together, apart = (hidden_means(language, texts, batch_size=size) for size in (3, 1))
    torch.testing.assert_close(together, apart)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(4))
    with torch.no_grad():
        states = language.model.model(torch.tensor([[16, 1, 25]])).last_hidden_state[0]
    torch.testing.assert_close(together[1], torch.nn.functional.normalize(states.mean(0), dim=0))
