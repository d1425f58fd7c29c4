"""Training in seconds on what lies in memory: the inside of an estimator's `fit`."""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Int
from torch import Tensor, nn


def minimise(
    parameters: Iterable[nn.Parameter],
    loss: Callable[[Int[Tensor, " batch"]], Tensor],
    items: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float = 0.01,
    clip_norm: float | None = None,
    generator: torch.Generator,
) -> list[float]:
    """AdamW along a cosine, over batches of indices.

    Args:
        parameters: what is trained.
        loss: the loss of the items at these indices.
        items: how many there are.
        epochs: passes over the items.
        batch_size: items a step; the smaller batch at the end counts too, unless it has one item only.
        learning_rate: at the start.
        weight_decay: of AdamW.
        clip_norm: the most that the gradient's norm may be; None to leave it as it is.
        generator: of the order.

    Returns:
        The mean loss of each epoch. The same generator state gives the same weights.

    Raises:
        ValueError: there are fewer than two items, or epochs or batch_size is not positive.

    Example:
        >>> x = nn.Parameter(torch.ones(3))
        >>> losses = minimise([x], lambda rows: x[rows].square().sum(), 3, epochs=50, batch_size=3,
        ...                   learning_rate=0.1, generator=torch.Generator().manual_seed(0))
        >>> losses[-1] < 0.01
        True
    """
    if items < 2 or epochs < 1 or batch_size < 2:
        raise ValueError(
            f"training needs two items, an epoch and a batch of two, got {items} items, epochs={epochs}, "
            f"batch_size={batch_size}"
        )
    chosen = list(parameters)
    optimizer = torch.optim.AdamW(chosen, lr=learning_rate, weight_decay=weight_decay)
    steps = epochs * -(-items // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    means = []
    for _ in range(epochs):
        losses = []
        for rows in torch.randperm(items, generator=generator).split(batch_size):
            # One item alone has nothing to be told apart from.
            if len(rows) > 1:
                optimizer.zero_grad()
                value = loss(rows)
                value.backward()
                if clip_norm is not None:
                    nn.utils.clip_grad_norm_(chosen, clip_norm)
                optimizer.step()
                losses.append(value.item())
            schedule.step()
        means.append(sum(losses) / len(losses))
    return means
