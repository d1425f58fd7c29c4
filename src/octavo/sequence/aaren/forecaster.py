"""A window of a series in, its next values out; fed value by value, a new forecast each time."""

from typing import NamedTuple

import torch
from einops import rearrange
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn

from octavo.sequence.aaren.checks import check_positive, check_sequence, check_token
from octavo.sequence.aaren.encoder import AarenEncoder, EncoderState, MixerName


class ForecasterState(NamedTuple):
    """What a forecaster carries on.

    Args:
        encoder: state of the encoder.
        center: mean of the first window, by channel.
        spread: standard deviation of the first window, by channel.
    """

    encoder: EncoderState
    center: Float[Tensor, "batch channels"]
    spread: Float[Tensor, "batch channels"]

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return self.encoder.nbytes + self.center.nbytes + self.spread.nbytes


class AarenForecaster(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """Forecasts multivariate series: a causal encoder, and a linear layer from the last output to the future.

    With `instance_norm` a series is seen, and forecast, in units of its first window: less the mean of the
    first `context` items, over their standard deviation. So a stream begins with `start(window)` and goes on
    with `update(item)`; start again from a recent window when the level has moved far.

    Args:
        n_channels: numbers in an item.
        context: items in a window.
        horizon: items to forecast.
        instance_norm: normalise each series by its first window.
        d_model: size of a hidden state.
        n_layers: blocks.
        n_heads: heads, a divisor of d_model.
        dim_feedforward: width of the feed-forward networks; 4 d_model by default.
        dropout: in training.
        mixer: ``aaren``, ``attention``, ``lstm`` or ``gru``.

    Shape:
        series ``(batch, time >= context, n_channels)`` -> forecast ``(batch, horizon, n_channels)``.

    Example:
        >>> import torch
        >>> model = AarenForecaster(n_channels=1, context=24, horizon=6).eval()
        >>> series = torch.randn(2, 30, 1)
        >>> forecast, state = model.start(series[:, :24])
        >>> for t in range(24, 30):
        ...     forecast, state = model.update(series[:, t], state)
        >>> torch.allclose(forecast, model(series), atol=1e-5)
        True

    Source: arXiv 2405.13956, section 4.3; the normalisation is of arXiv 2205.14415.
    """

    def __init__(
        self,
        n_channels: int,
        context: int,
        horizon: int,
        instance_norm: bool = True,
        *,
        d_model: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        dim_feedforward: int | None = None,
        dropout: float = 0.1,
        mixer: MixerName = "aaren",
    ) -> None:
        super().__init__()
        check_positive(n_channels=n_channels, context=context, horizon=horizon)
        self.n_channels, self.context, self.horizon = n_channels, context, horizon
        self.instance_norm = instance_norm
        self.embed = nn.Linear(n_channels, d_model)
        self.encoder = AarenEncoder(
            d_model, n_layers, n_heads, dim_feedforward, dropout, "gelu", norm_first=True, mixer=mixer
        )
        self.head = nn.Linear(d_model, horizon * n_channels)

    def forward(
        self, x: Float[Tensor, "batch time channels"], *, all_steps: bool = False
    ) -> Float[Tensor, "batch *steps horizon channels"]:
        """What follows each series.

        Args:
            x: series of at least `context` items.
            all_steps: a forecast from each item on from the one that ends the first window, ``(batch, time -
                context + 1, horizon, n_channels)``: so a model is trained for streams longer than its window.

        Raises:
            ValueError: a series is shorter than the context, or of other channels.
        """
        self._check_window(x)
        forecasts, _ = self._run(x)
        return forecasts if all_steps else forecasts[:, -1]

    def start(
        self, window: Float[Tensor, "batch time channels"]
    ) -> tuple[Float[Tensor, "batch horizon channels"], ForecasterState]:
        """Begin a stream with a window of at least `context` items: their forecast, and the state.

        Args:
            window: the first items.
        """
        self._check_window(window)
        forecasts, state = self._run(window)
        return forecasts[:, -1], state

    def update(
        self, new_item: Float[Tensor, "batch channels"], state: ForecasterState | None = None
    ) -> tuple[Float[Tensor, "batch horizon channels"], ForecasterState]:
        """Forecast with one more item.

        Args:
            new_item: the item.
            state: from `start` or the update before; None begins a stream if `instance_norm` is off.

        Raises:
            ValueError: there is no state, and no window to normalise by.
        """
        check_token(new_item, self.n_channels)
        if state is None:
            if self.instance_norm:
                raise ValueError(
                    f"instance_norm needs a first window of {self.context} items, got one item and no state; "
                    "call start(window) first"
                )
            state = self._state(
                self.encoder.init_state(new_item.shape[0], new_item.device), new_item[:, None]
            )
        hidden, encoder = self.encoder.step(
            self.embed((new_item - state.center) / state.spread), state.encoder
        )
        state = state._replace(encoder=encoder)
        return self._forecast(hidden, state.center, state.spread), state

    def _run(self, x: Tensor) -> tuple[Tensor, ForecasterState]:
        frame = self._state(self.encoder.init_state(0, x.device), x)
        normed = (x - frame.center[:, None]) / frame.spread[:, None]
        hidden, encoder = self.encoder(self.embed(normed), need_state=True)
        forecasts = self._forecast(
            hidden[:, self.context - 1 :], frame.center[:, None], frame.spread[:, None]
        )
        return forecasts, frame._replace(encoder=encoder)

    def _forecast(self, hidden: Tensor, center: Tensor, spread: Tensor) -> Tensor:
        values = rearrange(
            self.head(hidden), "... (horizon channels) -> ... horizon channels", horizon=self.horizon
        )
        return values * spread[..., None, :] + center[..., None, :]

    def _state(self, encoder: EncoderState, x: Tensor) -> ForecasterState:
        window = x[:, : self.context]
        if not self.instance_norm:
            return ForecasterState(encoder, torch.zeros_like(window[:, 0]), torch.ones_like(window[:, 0]))
        variance, center = torch.var_mean(window, dim=1, correction=0)
        return ForecasterState(encoder, center, (variance + 1e-5).sqrt())

    def _check_window(self, x: Tensor) -> None:
        check_sequence(x, self.n_channels)
        if x.shape[1] < self.context:
            raise ValueError(
                f"a series must have at least context={self.context} items, got {x.shape[1]}; "
                "give it more of its past"
            )
