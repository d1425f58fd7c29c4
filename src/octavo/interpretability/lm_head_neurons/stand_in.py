"""A random model of two layers with a tokenizer of whole words, for runs of seconds that need no data."""

from typing import Any

import torch

from octavo.interpretability.lm_head_neurons import prompts

FILLERS = 400
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %} :"


def stand_in(seed: int = 0) -> tuple[Any, Any]:
    """A Llama whose weights are random but for one neuron, which was made to read and write dogs.

    Args:
        seed: of the weights.

    Returns:
        The model and its tokenizer.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = word_tokenizer()
    words = tokenizer.get_vocab()
    config = LlamaConfig(
        vocab_size=len(words),
        num_key_value_heads=2,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        **SHAPE,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 2:
                    parameter.normal_(std=0.1)
            head, mlp = model.lm_head.weight, model.model.layers[-1].mlp
            dog = head[words[" dog"]]
            for form in (" dogs", " Dog", " puppy"):
                head[words[form]] = dog + 0.3 * head[words[form]]
            mlp.up_proj.weight[5] = -0.5 * dog
            mlp.down_proj.weight[:, 5] = 0.5 * dog
    return model, tokenizer


def word_tokenizer() -> Any:
    """A tokenizer whose tokens are words with the space before them, as those of real models are."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    texts = (*prompts.OPENINGS, *prompts.CALIBRATION, *prompts.QUESTIONS, *prompts.OPEN_QUESTIONS)
    nouns = {f" {noun}" for noun in (*prompts.NOUNS, "dogs", "Dog", "puppy", *prompts.CONCEPTS)}
    split = pre_tokenizers.Split(Regex(r" ?\w+| ?[^\s\w]+|\s"), "isolated")
    seen = {piece for text in texts for piece, _ in split.pre_tokenize_str(text)}
    fillers = {f" word{number}" for number in range(FILLERS)}
    pieces = ["<pad>", "<end>", "<unk>", *sorted(seen | nouns | fillers | {" :"})]
    tokenizer = Tokenizer(models.WordLevel({piece: n for n, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<end>",
        unk_token="<unk>",
        chat_template=CHAT,
    )


def random_text(tokenizer: Any, tokens: int, generator: torch.Generator) -> str:
    """Words of the vocabulary in random order.

    Args:
        tokenizer: from `word_tokenizer`.
        tokens: so many.
        generator: of the draw.
    """
    words = [word for word in tokenizer.get_vocab() if word.startswith(" ")]
    drawn = torch.randint(len(words), (tokens,), generator=generator)
    return "".join(sorted(words)[number] for number in drawn.tolist())
