"""How much of a text is in another one, in the same order."""

from collections.abc import Sequence


def rouge_l(one: Sequence[int], other: Sequence[int]) -> float:
    """The F measure of the longest common subsequence (Lin, 2004).

    Args:
        one, other: tokens.

    Example:
        >>> rouge_l([1, 2, 3, 4], [1, 9, 3, 4])
        0.75
    """
    if not one or not other:
        return 0.0
    previous = [0] * (len(other) + 1)
    for token in one:
        row = [0]
        for place, wanted in enumerate(other):
            row.append(previous[place] + 1 if token == wanted else max(row[place], previous[place + 1]))
        previous = row
    return 2 * previous[-1] / (len(one) + len(other))
