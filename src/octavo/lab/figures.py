"""The house style of figures: readable, safe for the colour-blind, and a system has one colour everywhere."""

import contextlib
import hashlib
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any

# Okabe and Ito's palette, yellow left out: it cannot be read on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#4D4D4D", "#8C6BB1")
STYLE: Any = {
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "savefig.dpi": 150,
    "font.size": 10.5,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "svg.hashsalt": "octavo",
}


def colours(systems: Sequence[str]) -> dict[str, str]:
    """A colour for each system: the one of its name, or the nearest free one where two names want the same.

    Example:
        >>> colours(["aaren"])["aaren"] == colours(["aaren", "gru"])["aaren"]
        True
    """
    given: dict[str, str] = {}
    for system in systems:
        wish = int(hashlib.sha256(system.encode()).hexdigest(), 16) % len(PALETTE)
        turns = [PALETTE[(wish + turn) % len(PALETTE)] for turn in range(len(PALETTE))]
        given[system] = next((colour for colour in turns if colour not in given.values()), turns[0])
    return given


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style, on no screen, whatever the user's own settings are."""
    import matplotlib
    from cycler import cycler

    if "matplotlib.pyplot" not in sys.modules:
        matplotlib.use("Agg")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["axes.prop_cycle"] = cycler(color=list(PALETTE))
        yield


def to_png(figure: Any) -> bytes:
    """The bytes of a matplotlib figure as PNG, the same for the same figure; the figure is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    return buffer.getvalue()
