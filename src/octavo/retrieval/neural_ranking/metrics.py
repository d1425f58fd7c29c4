"""Measures of ranked lists, as trec_eval defines them, and a test of whether two runs differ."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

Run = Mapping[str, Mapping[str, float]]
"""For each query the scores of the documents that were found."""
Judgements = Mapping[str, Mapping[str, int]]
"""For each query the gains of the documents that were judged."""

METRICS = ("nDCG@10", "AP", "RR", "P@20", "R@100")
_NAME = re.compile(r"(nDCG|AP|RR|P|R)(?:\(dcg='exp-log2'\))?(?:@(\d+))?")


def evaluate_run(
    run: Run, qrels: Judgements, metrics: Sequence[str] = METRICS, exponential: bool = False
) -> dict[str, dict[str, float]]:
    """Each metric of each judged query; a query that the run leaves out has 0.

    Equal scores are ordered by document id, descending, as trec_eval does. The denominators count all
    relevant documents of a query, found or not.

    Args:
        run: scores of what was found.
        qrels: gains of what was judged; a query without a relevant document is left out.
        metrics: by their ir-measures names: nDCG@k, AP, RR, P@k, R@k; without @k of the whole list.
        exponential: gains 2^g - 1 in nDCG, in place of g.

    Raises:
        ValueError: a metric is unknown, a gain is negative, or no query has a relevant document.

    Example:
        >>> evaluate_run({"q": {"a": 2.0, "b": 1.0}}, {"q": {"b": 1}}, ["RR", "nDCG@10"])
        {'RR': {'q': 0.5}, 'nDCG@10': {'q': 0.6309297535714575}}
    """
    wanted = {name: _parsed(name) for name in metrics}
    found: dict[str, dict[str, float]] = {name: {} for name in metrics}
    for query, judged in qrels.items():
        if any(gain < 0 for gain in judged.values()):
            raise ValueError(f"query {query} has a negative gain; 0 stands for what is not relevant")
        if not any(judged.values()):
            continue
        scores = run.get(query, {})
        # Sorted twice, since ids are ordered downwards too.
        ids = sorted(scores, reverse=True)
        ids.sort(key=lambda document: -scores[document])
        gains = np.array([judged.get(document, 0) for document in ids], dtype=np.float64)
        ideal = np.sort(np.array([gain for gain in judged.values() if gain > 0], dtype=np.float64))[::-1]
        for name, (kind, depth) in wanted.items():
            found[name][query] = _measure(kind, gains, ideal, depth, exponential)
    if not any(found.values()):
        raise ValueError("no query of the judgements has a relevant document")
    return found


def _parsed(name: str) -> tuple[str, int | None]:
    match = _NAME.fullmatch(name)
    if match is None or (match[1] in ("P", "R") and match[2] is None):
        raise ValueError(f"{name!r} is no metric; there are nDCG@k, AP, RR, P@k and R@k, such as nDCG@10")
    return match[1], int(match[2]) if match[2] else None


def _measure(
    kind: str,
    gains: Float[np.ndarray, " found"],
    ideal: Float[np.ndarray, " relevant"],
    depth: int | None,
    exponential: bool,
) -> float:
    cut = gains[:depth]
    hits = cut > 0
    if kind == "P":
        return float(hits.sum() / (depth or 1))
    if kind == "R":
        return float(hits.sum() / len(ideal))
    if kind == "RR":
        return float(1 / (hits.argmax() + 1)) if hits.any() else 0.0
    if kind == "AP":
        precision = hits.cumsum() / np.arange(1, len(hits) + 1)
        return float((precision * hits).sum() / len(ideal))
    return float(_dcg(cut, exponential) / _dcg(ideal[:depth], exponential))


def _dcg(gains: Float[np.ndarray, " places"], exponential: bool) -> float:
    gains = 2**gains - 1 if exponential else gains
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def randomisation_test(
    one: Sequence[float], other: Sequence[float], rounds: int = 10_000, seed: int = 0
) -> float:
    """The two-sided p of a paired randomisation test: how often random signs differ as much as the runs do.

    Args:
        one, other: a metric of two runs, query by query.
        rounds: random assignments of signs.
        seed: of the signs.

    Raises:
        ValueError: the runs do not have as many queries.

    Example:
        >>> randomisation_test([0.5, 0.6, 0.4] * 20, [0.4, 0.5, 0.3] * 20) < 0.001
        True

    Source: Smucker, Allan, Carterette 2007.
    """
    if len(one) != len(other) or not len(one):
        raise ValueError(f"{len(one)} and {len(other)} queries cannot be paired")
    difference = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    signs = np.random.default_rng(seed).integers(0, 2, size=(rounds, len(difference)), dtype=np.int8) * 2 - 1
    means = np.abs(signs @ difference)
    # The assignment that was seen counts too, so that p is never 0.
    return float((1 + (means >= abs(difference.sum()) - 1e-12).sum()) / (rounds + 1))
