"""A policy as a sequence model: return wanted, observation, action; fed observation by observation."""

from typing import NamedTuple

import torch
from einops import rearrange, repeat
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from octavo.sequence.aaren.checks import check_positive, check_sequence, check_token
from octavo.sequence.aaren.encoder import AarenEncoder, EncoderState, MixerName
from octavo.sequence.aaren.positional import SinusoidalPositions


class DecisionState(NamedTuple):
    """What a policy carries on.

    Args:
        encoder: state of the encoder.
        timestep: observations seen.
        action: the action last taken, still to be told to the encoder; None before the first.
    """

    encoder: EncoderState
    timestep: Int[Tensor, " batch"]
    action: Shaped[Tensor, "batch *act_dim"] | None

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return self.encoder.nbytes + self.timestep.nbytes + (0 if self.action is None else self.action.nbytes)


class AarenDecisionModel(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """Decision Transformer with a constant memory: predicts the action that leads to the return asked for.

    Each timestep is three tokens (return to go, observation, action) that share the encoding of the timestep;
    the action is read off the output at the observation.

    Args:
        obs_dim: numbers in an observation.
        act_dim: numbers in an action, or choices if discrete.
        discrete: actions are choices 0 .. act_dim - 1, and predictions logits; else actions are in [-1, 1].
        d_model: size of a hidden state.
        n_layers: blocks.
        n_heads: heads, a divisor of d_model.
        dim_feedforward: width of the feed-forward networks; 4 d_model by default.
        dropout: in training.
        mixer: ``aaren``, ``attention``, ``lstm`` or ``gru``.

    Shape:
        observations ``(batch, time, obs_dim)``, returns to go ``(batch, time)``, actions ``(batch, time,
        act_dim)`` or ``(batch, time)`` whole numbers -> predictions ``(batch, time, act_dim)``.

    Example:
        >>> import torch
        >>> policy = AarenDecisionModel(obs_dim=4, act_dim=2, discrete=True).eval()
        >>> state = None
        >>> for _ in range(3):
        ...     action, state = policy.act(torch.randn(1, 4), torch.tensor([200.0]), state)
        >>> action.shape, state.timestep
        (torch.Size([1]), tensor([3]))

    Source: arXiv 2405.13956, section 4.1; the tokens are of arXiv 2106.01345.
    """

    def __init__(
        self,
        obs_dim: int,
        act_dim: int,
        *,
        discrete: bool = False,
        d_model: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        dim_feedforward: int | None = None,
        dropout: float = 0.1,
        mixer: MixerName = "aaren",
    ) -> None:
        super().__init__()
        check_positive(obs_dim=obs_dim, act_dim=act_dim)
        self.obs_dim, self.act_dim, self.discrete = obs_dim, act_dim, discrete
        self.embed_return = nn.Linear(1, d_model)
        self.embed_observation = nn.Linear(obs_dim, d_model)
        self.embed_action = nn.Embedding(act_dim, d_model) if discrete else nn.Linear(act_dim, d_model)
        self.timesteps = SinusoidalPositions(d_model)
        self.norm = nn.LayerNorm(d_model)
        self.encoder = AarenEncoder(
            d_model,
            n_layers,
            n_heads,
            dim_feedforward,
            dropout,
            "gelu",
            norm_first=True,
            mixer=mixer,
            positional="none",
        )
        self.head = nn.Linear(d_model, act_dim)

    def forward(
        self,
        obs: Float[Tensor, "batch time obs_dim"],
        returns_to_go: Float[Tensor, "batch time"],
        actions: Shaped[Tensor, "batch time *act_dim"],
        timesteps: Int[Tensor, "batch time"] | None = None,
        key_padding_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time act_dim"]:
        """The action predicted at each timestep, from what is known before it is taken.

        Args:
            obs: observations.
            returns_to_go: return wanted from each timestep on, in the units of training.
            actions: actions taken.
            timesteps: number of each timestep in its episode; by default counted from 0.
            key_padding_mask: True where there is padding, on either side; it is never read.

        Raises:
            ValueError: shapes do not fit, or a choice is not in 0 .. act_dim - 1.
        """
        check_sequence(obs, self.obs_dim)
        self._check_actions(actions, obs.shape[:2])
        if returns_to_go.shape != obs.shape[:2]:
            raise ValueError(
                f"expected returns_to_go {tuple(obs.shape[:2])}, got {tuple(returns_to_go.shape)}"
            )
        padding = key_padding_mask
        if padding is not None:
            obs = obs.masked_fill(padding[..., None], 0.0)
            returns_to_go = returns_to_go.masked_fill(padding, 0.0)
            actions = actions.masked_fill(padding if self.discrete else padding[..., None], 0)
        self._check_choices(actions)
        if timesteps is None:
            counted = torch.ones_like(returns_to_go, dtype=torch.int64)
            counted = counted if padding is None else (~padding).long()
            timesteps = (counted.cumsum(1) - 1).clamp_min(0)
        clock = self.timesteps(timesteps).to(obs.dtype)
        tokens = [
            self.norm(token + clock)
            for token in (
                self.embed_return(returns_to_go[..., None]),
                self.embed_observation(obs),
                self.embed_action(actions),
            )
        ]
        sequence = rearrange(tokens, "three batch time d_model -> batch (time three) d_model")
        if padding is not None:
            padding = repeat(padding, "batch time -> batch (time three)", three=3)
        return self._predict(self.encoder(sequence, padding)[:, 1::3])

    def update(
        self,
        new_item: tuple[Float[Tensor, "batch obs_dim"], Float[Tensor, " batch"]],
        state: DecisionState | None = None,
        previous_action: Shaped[Tensor, "batch *act_dim"] | None = None,
    ) -> tuple[Float[Tensor, "batch act_dim"], DecisionState]:
        """Prediction for one more timestep.

        Args:
            new_item: observation and return to go.
            state: of the timesteps before; None at the start of an episode.
            previous_action: the action taken before this observation, if it is not the one that `act` gave.

        Raises:
            ValueError: shapes do not fit, or it is not known which action was taken.
        """
        obs, return_to_go = new_item
        check_token(obs, self.obs_dim)
        if return_to_go.shape != obs.shape[:1]:
            raise ValueError(f"expected return_to_go {tuple(obs.shape[:1])}, got {tuple(return_to_go.shape)}")
        if state is None:
            state = self.init_state(obs.shape[0])
        action = state.action if previous_action is None else previous_action
        encoder = state.encoder
        if bool((encoder.position > 0).all()):
            if action is None:
                raise ValueError(
                    "the action taken after the last observation is not known; pass previous_action"
                )
            self._check_actions(action, obs.shape[:1])
            self._check_choices(action)
            encoder = self._feed(self.embed_action(action), state.timestep - 1, encoder)[1]
        encoder = self._feed(self.embed_return(return_to_go[:, None]), state.timestep, encoder)[1]
        hidden, encoder = self._feed(self.embed_observation(obs), state.timestep, encoder)
        return self._predict(hidden), DecisionState(encoder, state.timestep + 1, None)

    @torch.no_grad()
    def act(
        self,
        obs: Float[Tensor, "batch obs_dim"],
        return_to_go: Float[Tensor, " batch"],
        state: DecisionState | None = None,
    ) -> tuple[Shaped[Tensor, "batch *act_dim"], DecisionState]:
        """The action to take now: the likeliest choice, or the predicted numbers.

        Args:
            obs: what is observed.
            return_to_go: return wanted from here on.
            state: from the call before; None at the start of an episode.
        """
        prediction, state = self.update((obs, return_to_go), state)
        action = prediction.argmax(-1) if self.discrete else prediction
        return action, state._replace(action=action)

    def init_state(self, batch: int, device: torch.device | str | None = None) -> DecisionState:
        """The state at the start of an episode."""
        encoder = self.encoder.init_state(batch, device)
        return DecisionState(encoder, torch.zeros_like(encoder.position), None)

    def _feed(self, token: Tensor, timestep: Tensor, encoder: EncoderState) -> tuple[Tensor, EncoderState]:
        clock = self.timesteps(timestep).to(token.dtype)
        return self.encoder.step(self.norm(token + clock), encoder)

    def _predict(self, hidden: Tensor) -> Tensor:
        return self.head(hidden) if self.discrete else self.head(hidden).tanh()

    def _check_actions(self, actions: Tensor, leading: torch.Size) -> None:
        expected = leading if self.discrete else (*leading, self.act_dim)
        if actions.shape != expected:
            kind = "choices" if self.discrete else "actions"
            raise ValueError(f"expected {kind} of shape {tuple(expected)}, got {tuple(actions.shape)}")
        if not self.discrete:
            return
        if actions.is_floating_point():
            raise ValueError(f"choices must be whole numbers, got {actions.dtype}; convert with .long()")

    def _check_choices(self, actions: Tensor) -> None:
        if not self.discrete or torch.compiler.is_compiling() or not actions.numel():
            return
        low, high = int(actions.min()), int(actions.max())
        if low < 0 or high >= self.act_dim:
            raise ValueError(
                f"choices must be in 0 .. {self.act_dim - 1}, got {low} .. {high}; number them from 0"
            )
