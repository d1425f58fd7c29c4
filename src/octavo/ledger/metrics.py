"""Which metrics are better when they are higher, and which when they are lower."""

import re
from typing import Literal

Better = Literal["higher", "lower"]

_NAMES: dict[Better, str] = {
    "higher": (
        "accuracy agreement ari auc auroc average_precision bleu cider coverage dice exact_match f1 "
        "hit_rate iou map mauve meteor mrr ndcg nmi pass_at_1 pearson precision psnr purity r2 recall "
        "return reward rouge score spearman speed speedup ssim success throughput top1 top5"
    ),
    "lower": (
        "ace ber bits bits_per_byte bits_per_character bpb bpc brier bytes cer chamfer cost "
        "cross_entropy distance divergence ece energy error errors fid flops forgetting fpr hamming kl "
        "latency loss mae mape max_error mean_rank median_rank memory mse nats nll nmse nrmse "
        "parameters perplexity ppl rank regret relative_error relative_l2 rmse seconds smape steps time "
        "wer"
    ),
}
KNOWN: dict[str, Better] = {name: side for side, names in _NAMES.items() for name in names.split()}
"""Which values of a metric are better; of a longer name, such as `test_loss`, its last word tells."""

TIMED = frozenset(
    {"seconds", "latency", "time", "speed", "speedup", "throughput", "tokens_per_second", "memory"}
)
"""What depends on the machine and on what else it does, and is therefore never required to repeat."""

_SHARES = (
    "accuracy auc auroc average_precision coverage dice exact_match f1 hit_rate iou map mrr ndcg "
    "pass_at_1 precision purity recall top1 top5"
)
SHARES = frozenset(_SHARES.split())
"""What lies between 0 and 1, so that no interval of it goes farther."""


def better(metric: str) -> Better | None:
    """Whether higher or lower values of a metric are better; None where its name does not tell.

    Example:
        >>> better("accuracy"), better("test_loss"), better("seconds_per_token"), better("slope")
        ('higher', 'lower', 'lower', None)
    """
    for name in _readings(metric):
        if name in KNOWN:
            return KNOWN[name]
    return None


def is_timed(metric: str) -> bool:
    """Whether a metric is of the machine rather than of the system.

    Example:
        >>> is_timed("seconds_per_token"), is_timed("accuracy")
        (True, False)
    """
    return any(name in TIMED for name in _readings(metric))


def is_share(metric: str) -> bool:
    """Whether a metric lies between 0 and 1.

    Example:
        >>> is_share("test_accuracy"), is_share("map_at_10"), is_share("rouge")
        (True, True, False)
    """
    return any(name in SHARES for name in _readings(metric))


def _readings(metric: str) -> list[str]:
    """The whole name, the name without `_per_` or `_at_` and what follows, and the last word of that."""
    name = metric.lower()
    short = re.split(r"_(?:per|at)_|@", name)[0]
    return [name, short, short.rpartition("_")[2]]
