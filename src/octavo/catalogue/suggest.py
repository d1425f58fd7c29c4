"""What a person may have meant by a name that does not exist."""

from collections.abc import Iterable


def suggest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names that most resemble one that does not exist, best first.

    Case and the difference between ``-``, ``_`` and space do not matter; a name that begins with what was
    typed, or holds it, counts as close.

    Args:
        name: what was typed.
        names: what exists.
        most: how many to give at most.

    Example:
        >>> suggest("aarn", ["aaren", "crnn", "lrcn"])
        ['aaren']
        >>> suggest("boolean", ["in_context_boolean", "in_context_linear"])
        ['in_context_boolean']
    """
    from difflib import SequenceMatcher

    typed = _plain(name)

    def closeness(candidate: str) -> float:
        other = _plain(candidate)
        likeness = SequenceMatcher(None, typed, other, autojunk=False).ratio()
        if len(typed) >= 2 and other.startswith(typed):
            return 1 + 0.1 * likeness
        if len(typed) >= 3 and typed in other:
            return 0.9 + 0.1 * likeness
        return likeness

    scores = {candidate: closeness(candidate) for candidate in names}
    ranked = sorted(scores, key=lambda candidate: -scores[candidate])
    # Beside a name that is very near, one that is merely similar only distracts.
    least = max(0.65, scores[ranked[0]] - 0.15) if ranked else 0.0
    return [candidate for candidate in ranked[:most] if scores[candidate] >= least]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The question that ends an error about an unknown name; empty where nothing comes close.

    Example:
        >>> did_you_mean("aarn", ["aaren", "crnn"])
        ' Did you mean aaren?'
        >>> did_you_mean("zzz", ["aaren", "crnn"])
        ''
    """
    close = suggest(name, names)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")
