"""Aaren as a language model of transformers: `Trainer` trains it, `generate` runs it in constant memory."""

from typing import Any, ClassVar, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from octavo.sequence.aaren.attention import Aaren
from octavo.sequence.aaren.encoder import AarenEncoder, EncoderState


class AarenConfig(PreTrainedConfig):
    """Sizes of an Aaren language model; names are those of transformers.

    Args:
        vocab_size: tokens.
        hidden_size: size of a hidden state.
        num_hidden_layers: blocks.
        num_attention_heads: heads, a divisor of hidden_size.
        intermediate_size: width of the feed-forward networks; 4 hidden_size by default.
        hidden_act: a name in `torch.nn.functional`.
        dropout: in training.
        mixer: ``aaren``; ``attention``, ``lstm`` or ``gru`` for its peers.
        initializer_range: standard deviation of new weights.
        use_cache: return the state after the last token when not training.
        tie_word_embeddings: read out with the embedding.
    """

    model_type = "aaren"

    vocab_size: int = 32_000
    hidden_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int | None = None
    hidden_act: str = "gelu"
    dropout: float = 0.0
    mixer: str = "aaren"
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None


class AarenCache:
    """What a language model remembers of its tokens: the state of its encoder, of constant size.

    Args:
        state: after the tokens seen; None before the first.
        seen: tokens seen, padding included.
    """

    is_compileable = False

    def __init__(self, state: EncoderState | None = None, seen: int = 0) -> None:
        self.state, self.seen = state, seen

    @property
    def nbytes(self) -> int:
        """Bytes the cache holds."""
        return 0 if self.state is None else self.state.nbytes

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens seen."""
        return self.seen

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep these rows, in this order: the beams that live on."""
        if self.state is not None:
            self.state = self.state.select(beam_idx)


class AarenPreTrainedModel(PreTrainedModel):
    """Initialisation, saving and loading."""

    config_class = AarenConfig
    base_model_prefix = "model"
    _is_stateful = True  # a state cannot be rolled back to an earlier token

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Aaren):
            init.normal_(module.query)
        elif isinstance(module, nn.Embedding):
            # Scaled up by sqrt(hidden_size) on the way in, so that tokens are as loud as positions.
            init.normal_(module.weight, std=self.config.hidden_size**-0.5)


class AarenModel(AarenPreTrainedModel):
    """Token embeddings and a causal encoder.

    Args:
        config: sizes.

    Shape:
        token ids ``(batch, time)`` -> hidden states ``(batch, time, hidden_size)``.

    Example:
        >>> import torch
        >>> config = AarenConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
        >>> AarenModel(config)(torch.tensor([[1, 2, 3]])).last_hidden_state.shape
        torch.Size([1, 3, 16])
    """

    def __init__(self, config: AarenConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.encoder = AarenEncoder(
            config.hidden_size,
            config.num_hidden_layers,
            config.num_attention_heads,
            config.intermediate_size,
            config.dropout,
            config.hidden_act,
            norm_first=True,
            mixer=cast(Any, config.mixer),
        )
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """The embedding of tokens."""
        return self.embed_tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the embedding of tokens."""
        self.embed_tokens = cast(nn.Embedding, value)

    def forward(
        self,
        input_ids: Int[Tensor, "batch time"] | None = None,
        attention_mask: Int[Tensor, "batch total"] | None = None,
        inputs_embeds: Float[Tensor, "batch time hidden"] | None = None,
        past_key_values: AarenCache | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Hidden states of further tokens.

        Args:
            input_ids: tokens that the cache has not seen.
            attention_mask: 0 where there is padding; may cover the tokens of the cache too.
            inputs_embeds: embeddings in place of tokens.
            past_key_values: what is remembered of earlier tokens.
            use_cache: return what is to be remembered.
            kwargs: what other models of transformers understand, and this one does not need.

        Raises:
            ValueError: not exactly one of input_ids and inputs_embeds is given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("expected either input_ids or inputs_embeds, got both or neither; pass one")
        if inputs_embeds is None:
            inputs_embeds = self.embed_tokens(input_ids)
        hidden = inputs_embeds * self.config.hidden_size**0.5
        time = hidden.shape[1]
        padding = None if attention_mask is None else attention_mask[:, -time:] == 0
        if padding is not None and not bool(padding.any()):
            padding = None
        state = None if past_key_values is None else past_key_values.state
        if state is not None and time == 1 and padding is None:
            stepped, state = self.encoder.step(hidden[:, 0], state)
            hidden = stepped[:, None]
        else:
            hidden, state = self.encoder(hidden, padding, state, True, allow_empty=True)
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        cache = None
        if use_cache:
            seen = 0 if past_key_values is None else past_key_values.seen
            cache = AarenCache(state, seen + time)
        return BaseModelOutputWithPast(last_hidden_state=hidden, past_key_values=cast(Any, cache))


class AarenForCausalLM(AarenPreTrainedModel, GenerationMixin):
    """A language model that writes each token in constant time and memory.

    Args:
        config: sizes.

    Shape:
        token ids ``(batch, time)`` -> logits ``(batch, time, vocab_size)``.

    Example:
        >>> import torch
        >>> config = AarenConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2)
        >>> model = AarenForCausalLM(config).eval()
        >>> model.generate(torch.tensor([[1, 2, 3]]), max_new_tokens=5, do_sample=False).shape
        torch.Size([1, 8])

    Source: arXiv 2405.13956; the paper itself trains no language model.
    """

    _tied_weights_keys: ClassVar[dict[str, str]] = {"lm_head.weight": "model.embed_tokens.weight"}  # type: ignore[misc]

    def __init__(self, config: AarenConfig) -> None:
        super().__init__(config)
        self.model = AarenModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        # The first forward makes the cache, and `generate` carries it on.
        return False

    def forward(
        self,
        input_ids: Int[Tensor, "batch time"] | None = None,
        attention_mask: Int[Tensor, "batch total"] | None = None,
        inputs_embeds: Float[Tensor, "batch time hidden"] | None = None,
        past_key_values: AarenCache | None = None,
        labels: Int[Tensor, "batch time"] | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits of what follows each token, and the loss if there are labels.

        Args:
            input_ids: tokens that the cache has not seen.
            attention_mask: 0 where there is padding; may cover the tokens of the cache too.
            inputs_embeds: embeddings in place of tokens.
            past_key_values: what is remembered of earlier tokens.
            labels: tokens to predict, the same as input_ids (they are shifted here); -100 is left out.
            use_cache: return what is to be remembered.
            logits_to_keep: only the last so many logits; 0 for all.
            kwargs: what other models of transformers understand.
        """
        outputs = self.model(input_ids, attention_mask, inputs_embeds, past_key_values, use_cache)
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, kept])
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs
            )
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=outputs.past_key_values)
