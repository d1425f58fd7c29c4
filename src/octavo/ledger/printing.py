"""Numbers as text: as many digits as their interval is worth, and never so few that a bound seems crossed."""

import math

MORE_DECIMALS = 6
"""So many more than its interval is worth are tried before a number is written with all its digits."""


def number(value: float, decimals: int | None = None) -> str:
    """One number; with `decimals` where an interval says how many are worth printing.

    Example:
        >>> number(512.0), number(0.02149, 3), number(3.1e-14), number(float("inf"))
        ('512', '0.021', '3.1e-14', 'inf')
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0" if not decimals else f"{0:.{min(decimals, 6)}f}"
    small, large = abs(value) < 1e-4, abs(value) >= 1e7
    if decimals is None:
        if value.is_integer() and not large:
            return str(int(value))
        return f"{value:.4g}" if small or large or abs(value) < 1e4 else f"{value:.1f}"
    if large or (small and decimals > 6):
        digits = max(0, decimals + math.floor(math.log10(abs(value))))
        return f"{value:.{min(digits, 15)}e}"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def decimals_for(width: float) -> int:
    """Decimals with which the half of an interval has two significant digits.

    Example:
        >>> decimals_for(0.022), decimals_for(30.0)
        (3, 0)
    """
    if not math.isfinite(width) or width <= 0:
        return 3
    return max(0, 1 - math.floor(math.log10(width / 2)))


def faithful(value: float, decimals: int | None, bounds: tuple[float, ...]) -> str:
    """A number with just enough digits that it is still on its own side of each bound.

    Example:
        >>> faithful(0.0499, 2, (0.05,)), faithful(0.0499, 2, ())
        ('0.0499', '0.05')
    """
    texts = [number(value, decimals)]
    if decimals is not None:
        texts += [number(value, decimals + more) for more in range(1, MORE_DECIMALS + 1)]
    # Seventeen digits are the number itself.
    texts += [f"{value:.{digits}g}" for digits in range(4, 18)]
    if not math.isfinite(value):
        return texts[0]
    return next(text for text in texts if all(_side(float(text), b) == _side(value, b) for b in bounds))


def _side(value: float, bound: float) -> int:
    return (value > bound) - (value < bound)


def with_interval(value: float, low: float, high: float, bounds: tuple[float, ...] = ()) -> str:
    """An estimate with its interval, or alone where the interval has no width.

    Example:
        >>> with_interval(0.0211, 0.0101, 0.0321), with_interval(512.0, 512.0, 512.0)
        ('0.021 [0.010, 0.032]', '512')
    """
    if low == value == high or math.isnan(low) or math.isnan(high):
        return faithful(value, None, bounds)
    decimals = decimals_for(high - low) if math.isfinite(high - low) else None
    texts = [faithful(each, decimals, bounds) for each in (value, low, high)]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def seeds(count: int) -> str:
    """A number of seeds.

    Example:
        >>> seeds(1), seeds(5)
        ('1 seed', '5 seeds')
    """
    return f"{count} seed{'s' if count != 1 else ''}"
