"""The recurrent layers: each column learns of its neighbours on both sides."""

from typing import Literal

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

RnnName = Literal["bilstm", "lstm", "none"]


class RecurrentLayer(nn.Module):
    """An LSTM in one or both directions, then a linear map.

    Args:
        size: of an input.
        hidden: units a direction.
        out: size of an output.
        bidirectional: read from both ends.

    Shape:
        ``(batch, time, size)`` -> ``(batch, time, out)``.

    Source: arXiv 1507.05717, section 2.2.
    """

    def __init__(self, size: int, hidden: int, out: int, *, bidirectional: bool = True) -> None:
        super().__init__()
        self.rnn = nn.LSTM(size, hidden, batch_first=True, bidirectional=bidirectional)
        self.linear = nn.Linear(hidden * (2 if bidirectional else 1), out)

    def forward(
        self,
        sequence: Float[Tensor, "batch time size"],
        lengths: Int64[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch time out"]:
        """The outputs; what stands behind the end of a sequence is never read.

        Args:
            sequence: vectors by column.
            lengths: columns that count; None for all.
        """
        # Reading backwards would begin in the padding. Forwards nothing looks ahead.
        if lengths is None or not self.rnn.bidirectional:
            return self.linear(self.rnn(sequence)[0])
        packed = pack_padded_sequence(sequence, lengths.cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True, total_length=sequence.shape[1])
        return self.linear(hidden)


class RecurrentStack(nn.Module):
    """Two recurrent layers, of which the second gives the classes; or, for comparison, one linear map.

    Args:
        size: of a feature vector.
        hidden: units a direction.
        classes: outputs.
        rnn: `bilstm`, `lstm`, or `none`.

    Raises:
        ValueError: rnn is none of these.

    Shape:
        ``(batch, time, size)`` -> ``(batch, time, classes)``.
    """

    def __init__(self, size: int, hidden: int, classes: int, rnn: RnnName = "bilstm") -> None:
        super().__init__()
        if rnn not in ("bilstm", "lstm", "none"):
            raise ValueError(f"rnn={rnn!r} is one of 'bilstm', 'lstm', 'none'")
        both = rnn == "bilstm"
        sizes = [(size, classes)] if rnn == "none" else [(size, hidden), (hidden, classes)]
        self.layers = nn.ModuleList(
            nn.Linear(*pair)
            if rnn == "none"
            else RecurrentLayer(pair[0], hidden, pair[1], bidirectional=both)
            for pair in sizes
        )

    def forward(
        self,
        sequence: Float[Tensor, "batch time size"],
        lengths: Int64[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch time classes"]:
        """Scores of the classes in each column."""
        for layer in self.layers:
            sequence = layer(sequence, lengths) if isinstance(layer, RecurrentLayer) else layer(sequence)
        return sequence
