"""Events in time with marks: when is the next one, and what is it."""

from typing import NamedTuple

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from octavo.sequence.aaren.checks import check_not_empty, check_positive
from octavo.sequence.aaren.encoder import AarenEncoder, EncoderState, MixerName
from octavo.sequence.aaren.next_event import NextEvent
from octavo.sequence.aaren.positional import SinusoidalPositions


class PointProcessState(NamedTuple):
    """What a point process carries on.

    Args:
        encoder: state of the encoder.
        first: time of the first event.
        last: time of the last event.
    """

    encoder: EncoderState
    first: Float[Tensor, " batch"]
    last: Float[Tensor, " batch"]

    @property
    def nbytes(self) -> int:
        """Bytes the state holds."""
        return self.encoder.nbytes + self.first.nbytes + self.last.nbytes


class EventLogProb(NamedTuple):
    """Log density of events, given those before.

    Args:
        time: of the gaps, nats; zero at padding.
        mark: of the marks, nats; zero at padding.
    """

    time: Float[Tensor, "batch next"]
    mark: Float[Tensor, "batch next"]

    @property
    def total(self) -> Float[Tensor, "batch next"]:
        """Of both."""
        return self.time + self.mark


class AarenPointProcess(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """A marked temporal point process: the next gap is a mixture of log-normals, the next mark a choice.

    An event is the embedding of its mark, the logarithm of the gap before it, and sines of the time since the
    first event; gap and mark of the next are independent given the history.

    Args:
        n_marks: kinds of events.
        n_mix: log-normals in the mixture.
        mean_log_gap: mean of the logarithms of gaps in the training data; the unit of time.
        std_log_gap: their standard deviation.
        d_model: size of a hidden state.
        n_layers: blocks.
        n_heads: heads, a divisor of d_model.
        dim_feedforward: width of the feed-forward networks; 4 d_model by default.
        dropout: in training.
        mixer: ``aaren``, ``attention``, ``lstm`` or ``gru``.

    Shape:
        times ``(batch, events)``, strictly increasing, and marks ``(batch, events)`` -> `NextEvent` of
        ``(batch, events)``: what follows each event. Padding is on the right. Give times in float64 if they
        are large against their gaps.

    Example:
        >>> import torch
        >>> model = AarenPointProcess(n_marks=3).eval()
        >>> times, marks = torch.rand(2, 20).cumsum(1), torch.randint(3, (2, 20))
        >>> model.log_prob(times, marks).total.shape
        torch.Size([2, 19])
        >>> state = None
        >>> for i in range(20):
        ...     following, state = model.update((times[:, i], marks[:, i]), state)
        >>> torch.allclose(following.mark_logits, model(times, marks).mark_logits[:, -1], atol=1e-5)
        True

    Source: arXiv 2405.13956, section 4.2; the mixture is of arXiv 1909.12127.
    """

    def __init__(
        self,
        n_marks: int,
        n_mix: int = 16,
        *,
        mean_log_gap: float = 0.0,
        std_log_gap: float = 1.0,
        d_model: int = 64,
        n_layers: int = 2,
        n_heads: int = 4,
        dim_feedforward: int | None = None,
        dropout: float = 0.1,
        mixer: MixerName = "aaren",
    ) -> None:
        super().__init__()
        check_positive(n_marks=n_marks, n_mix=n_mix)
        if std_log_gap <= 0:
            raise ValueError(f"std_log_gap={std_log_gap} must be positive; use 1.0 if all gaps are equal")
        self.n_marks, self.n_mix = n_marks, n_mix
        self.mean_log_gap, self.std_log_gap = mean_log_gap, std_log_gap
        self.embed_mark = nn.Embedding(n_marks, d_model)
        self.embed_gap = nn.Linear(2, d_model)
        self.time_encoding = SinusoidalPositions(d_model)
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
        self.head = nn.Linear(d_model, 3 * n_mix + n_marks)

    def forward(
        self,
        times: Float[Tensor, "batch events"],
        marks: Int[Tensor, "batch events"],
        key_padding_mask: Bool[Tensor, "batch events"] | None = None,
    ) -> NextEvent:
        """What follows each event, given it and those before.

        Args:
            times: of the events.
            marks: of the events.
            key_padding_mask: True where there is padding, on the right.

        Raises:
            ValueError: times do not increase, marks are out of range, or padding is not on the right.
        """
        times, marks = self._cleared(times, marks, key_padding_mask)
        if times.shape[1] == 0:
            raise ValueError("a sequence needs at least one event for a next one to follow, got none")
        gaps = times.diff(dim=1, prepend=times[:, :1])
        is_first = torch.zeros_like(gaps, dtype=torch.bool)
        is_first[:, 0] = True
        hidden = self.encoder(self._embed(times - times[:, :1], gaps, is_first, marks), key_padding_mask)
        return self._next(hidden)

    def log_prob(
        self,
        times: Float[Tensor, "batch events"],
        marks: Int[Tensor, "batch events"],
        key_padding_mask: Bool[Tensor, "batch events"] | None = None,
    ) -> EventLogProb:
        """Log density of events 2, 3, ... each given those before: entry i is of event i + 1; arguments as in
        `forward`.
        """
        following = self(times, marks, key_padding_mask)
        times, marks = self._cleared(times, marks, key_padding_mask)
        target = torch.ones_like(marks[:, 1:], dtype=torch.bool)
        if key_padding_mask is not None:
            target = ~key_padding_mask[:, 1:]
        gaps = torch.where(target, times.diff(dim=1), 1.0).to(following.loc.dtype)
        time, mark = following[:, :-1].log_prob(gaps, marks[:, 1:])
        return EventLogProb(torch.where(target, time, 0.0), torch.where(target, mark, 0.0))

    @torch.no_grad()
    def predict(
        self,
        times: Float[Tensor, "batch events"],
        marks: Int[Tensor, "batch events"],
        key_padding_mask: Bool[Tensor, "batch events"] | None = None,
    ) -> tuple[Float[Tensor, "batch events"], Int[Tensor, "batch events"]]:
        """Expected gap to the event after each, and its likeliest mark; arguments as in `forward`."""
        following = self(times, marks, key_padding_mask)
        return following.mean_gap, following.mark_logits.argmax(-1)

    @torch.no_grad()
    def sample_next(
        self,
        times: Float[Tensor, "batch events"],
        marks: Int[Tensor, "batch events"],
        key_padding_mask: Bool[Tensor, "batch events"] | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Draw time and mark of the event after the last one.

        Args:
            times: of the events.
            marks: of the events.
            key_padding_mask: True where there is padding, on the right.
            generator: of the random numbers.
        """
        following = self(times, marks, key_padding_mask)
        rows = torch.arange(times.shape[0], device=times.device)
        last = torch.full_like(rows, times.shape[1] - 1)
        if key_padding_mask is not None:
            last = (~key_padding_mask).sum(1) - 1
        gap, mark = following[rows, last].sample(generator)
        return times[rows, last] + gap.to(times.dtype), mark

    def update(
        self,
        new_item: tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]],
        state: PointProcessState | None = None,
    ) -> tuple[NextEvent, PointProcessState]:
        """What follows one more event.

        Args:
            new_item: its time and mark.
            state: of the events before it; None at the start.

        Raises:
            ValueError: the event is not after the last, or its mark is out of range.
        """
        time, mark = new_item
        self._check_marks(mark)
        if state is None:
            encoder = self.encoder.init_state(time.shape[0], time.device)
            first, gap, is_first = time, torch.zeros_like(time), torch.ones_like(time, dtype=torch.bool)
        else:
            encoder, first, gap = state.encoder, state.first, time - state.last
            is_first = torch.zeros_like(time, dtype=torch.bool)
            if not bool((gap > 0).all()):
                raise ValueError(f"an event must come after the last one, got a gap of {float(gap.min())}")
        token = self._embed(time - first, gap, is_first, mark)
        hidden, encoder = self.encoder.step(token, encoder)
        return self._next(hidden), PointProcessState(encoder, first, time)

    def _embed(self, since_first: Tensor, gaps: Tensor, is_first: Tensor, marks: Tensor) -> Tensor:
        dtype = self.head.weight.dtype
        log_gaps = torch.where(gaps > 0, gaps, 1.0).log()
        normed = torch.where(is_first | (gaps <= 0), 0.0, (log_gaps - self.mean_log_gap) / self.std_log_gap)
        unit = torch.tensor(self.mean_log_gap, dtype=torch.float64).exp().item()
        clock = self.time_encoding(since_first / unit)
        features = torch.stack([normed.to(dtype), is_first.to(dtype)], dim=-1)
        return self.embed_mark(marks) + self.embed_gap(features) + clock.to(dtype)

    def _next(self, hidden: Tensor) -> NextEvent:
        mix, loc, log_scale, marks = self.head(hidden).split([self.n_mix] * 3 + [self.n_marks], dim=-1)
        # A scale of e^-5 of the spread is a spike, and one of e^2 a mean beyond all floats.
        scale = log_scale.clamp(-5.0, 2.0).exp() * self.std_log_gap
        return NextEvent(mix, loc * self.std_log_gap + self.mean_log_gap, scale, marks)

    def _cleared(self, times: Tensor, marks: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor]:
        if times.ndim != 2 or marks.shape != times.shape:
            raise ValueError(
                f"expected times and marks (batch, events), got {tuple(times.shape)}, {tuple(marks.shape)}"
            )
        if padding is not None:
            if padding.dtype != torch.bool or padding.shape != times.shape:
                raise ValueError(
                    f"key_padding_mask must be bool {tuple(times.shape)}, "
                    f"got {padding.dtype} {tuple(padding.shape)}"
                )
            check_not_empty(padding)
            times, marks = times.masked_fill(padding, 0.0), marks.masked_fill(padding, 0)
        if torch.compiler.is_compiling():
            return times, marks
        self._check_marks(marks)
        rising = times.diff(dim=1) > 0
        if padding is not None:
            if bool((padding[:, :-1] & ~padding[:, 1:]).any()):
                raise ValueError("padding must be on the right of the events; shift them to the left")
            rising = rising | padding[:, 1:]
        if not bool(rising.all()):
            row, at = (~rising).nonzero()[0].tolist()
            raise ValueError(
                f"times must strictly increase, but row {row} has {times[row, at].item()} and then "
                f"{times[row, at + 1].item()}; sort them, and spread ties by a small gap"
            )
        return times, marks

    def _check_marks(self, marks: Tensor) -> None:
        if marks.is_floating_point():
            raise ValueError(f"marks must be whole numbers, got {marks.dtype}; convert with .long()")
        if marks.numel() and (int(marks.min()) < 0 or int(marks.max()) >= self.n_marks):
            raise ValueError(
                f"marks must be in 0 .. {self.n_marks - 1}, got {int(marks.min())} .. {int(marks.max())}; "
                "number them from 0"
            )
