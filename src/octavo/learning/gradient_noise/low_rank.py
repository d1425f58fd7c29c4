"""Low-rank adaptors: fine-tuning of a frozen layer by a product of two thin matrices."""

from jaxtyping import Float
from torch import Tensor, nn


class LowRank(nn.Module):
    """A frozen linear layer plus a trainable product of two thin ones, which begins as 0.

    Args:
        layer: what is adapted; its parameters are frozen.
        rank: inner size of the product.
        alpha: the product is scaled by alpha / rank.

    Shape:
        as the layer's.

    Raises:
        ValueError: the rank is below 1.

    Example:
        >>> import torch
        >>> layer = nn.Linear(4, 3)
        >>> x = torch.randn(2, 4)
        >>> torch.equal(LowRank(layer)(x), layer(x))
        True

    Source: Hu et al. 2022, arXiv 2106.09685.
    """

    def __init__(self, layer: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank={rank} must be at least 1; 8 is usual")
        self.layer = layer.requires_grad_(False)
        self.scale = alpha / rank
        like = layer.weight
        self.down = nn.Parameter(like.new_empty(rank, layer.in_features).normal_() / layer.in_features**0.5)
        self.up = nn.Parameter(like.new_zeros(layer.out_features, rank))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The layer's result and the adaptor's."""
        adapted: Tensor = self.layer(x) + self.scale * (x @ self.down.mT @ self.up.mT)
        return adapted


def adapt(model: nn.Module, names: tuple[str, ...], rank: int = 8) -> nn.Module:
    """Freeze a model in place, and put an adaptor around each linear layer of these names.

    Args:
        model: any module.
        names: last parts of the layers' names, such as ``q_proj``.
        rank: of the adaptors.

    Example:
        >>> layers = nn.ModuleDict({"q_proj": nn.Linear(4, 4), "k_proj": nn.Linear(4, 4)})
        >>> model = adapt(layers, ("q_proj",), rank=2)
        >>> sum(p.numel() for p in model.parameters() if p.requires_grad)
        16
    """
    model.requires_grad_(False)
    chosen = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if name in names and isinstance(layer, nn.Linear)
    ]
    for parent, name, layer in chosen:
        setattr(parent, name, LowRank(layer, rank))
    return model
