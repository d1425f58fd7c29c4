"""A small map behind a frozen encoder that puts the most important first."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from octavo.embedding.matryoshka.dims import checked_dims, nested_dims
from octavo.embedding.matryoshka.heads import MatryoshkaLinear, MatryoshkaLoss
from octavo.embedding.matryoshka.similarity import MatryoshkaRankingLoss, prefix_similarities
from octavo.nn import minimise

STEPS = 400
"""Steps that an adaptor is trained for unless it is told otherwise."""


class MatryoshkaAdaptor(nn.Module, PyTorchModelHubMixin, library_name="octavo"):
    """Makes the vectors of a frozen encoder nested, in seconds: a residual map trained on vectors alone.

    It starts as the identity. Fitted, it is a module of sentence-transformers too:
    ``SentenceTransformer(modules=[*model, adaptor])`` encodes, saves, and takes `truncate_dim`. To load it
    again, sentence-transformers wants ``trust_remote_code=True``, as for any module that is not its own.

    Args:
        d_in: size of the vectors.
        dims: the nesting list; `nested_dims(d_in)` unless given. Its last size is d_in.
        hidden: units of a residual network of one hidden layer; None for a linear map.

    Shape:
        vectors ``(*any, d_in)`` -> ``(*any, d_in)``; or the dictionary of features that modules of
        sentence-transformers hand on, whose ``sentence_embedding`` is replaced.

    Raises:
        ValueError: dims is no nesting list that ends with d_in.

    Example:
        >>> vectors = torch.randn(200, 32, generator=torch.Generator().manual_seed(0))
        >>> adaptor = MatryoshkaAdaptor(32, [4, 8, 16, 32]).fit(vectors, epochs=2)
        >>> adaptor(vectors).shape
        torch.Size([200, 32])

    Differs from the paper: the paper trains the encoder; this is for encoders that one cannot train. Without
    labels it keeps, in every prefix, the similarities that the whole vector has to its neighbours.
    Paper: arXiv 2205.13147, section 3.
    """

    config_file_name = "config.json"
    save_in_root = False
    forward_kwargs: set[str] = set()  # noqa: RUF012  (sentence-transformers asks its modules for this)

    def __init__(self, d_in: int, dims: Sequence[int] | None = None, *, hidden: int | None = None) -> None:
        super().__init__()
        self.d_in = d_in
        self.dims = checked_dims(nested_dims(d_in, min(8, d_in)) if dims is None else dims)
        if self.dims[-1] != d_in:
            raise ValueError(f"dims={self.dims} must end with the size of the vectors, {d_in}")
        if hidden is not None and hidden < 1:
            raise ValueError(f"hidden={hidden} must be at least 1, or None for a linear map")
        self.hidden = hidden
        last = nn.Linear(d_in if hidden is None else hidden, d_in)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.residual = last if hidden is None else nn.Sequential(nn.Linear(d_in, hidden), nn.GELU(), last)

    def forward(self, x: Any) -> Any:
        """The vectors, or the features with the vectors in them, mapped."""
        if isinstance(x, Mapping):
            return {**x, "sentence_embedding": self._mapped(x["sentence_embedding"])}
        return self._mapped(x)

    def _mapped(self, vectors: Float[Tensor, "*any d_in"]) -> Float[Tensor, "*any d_in"]:
        if vectors.shape[-1] != self.d_in:
            raise ValueError(f"vectors of {self.d_in} numbers are needed, got {vectors.shape[-1]}")
        return vectors + self.residual(vectors)

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        pairs: Any = None,
        epochs: int | None = None,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        seed: int = 0,
    ) -> Self:
        """Train on vectors: with labels, with pairs of like vectors, or with nothing but themselves.

        Args:
            X: vectors ``(n, d_in)``, a tensor or an array.
            y: a class for each; every prefix then learns to tell the classes apart (MRL-E heads).
            pairs: vectors ``(n, d_in)``, the partner of each row of X; every prefix then finds its partner.
            epochs: passes over the vectors; None for as many as make some 400 steps.
            batch_size: vectors a step.
            learning_rate: of AdamW; it falls to zero along a cosine.
            seed: of the order and of the heads.

        Raises:
            ValueError: shapes do not fit, both y and pairs were given, or a number is not finite.
        """
        vectors = self._checked(X)
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} must be at least 1")
        if y is not None and pairs is not None:
            raise ValueError("give y or pairs, not both")
        generator = torch.Generator().manual_seed(seed)
        learned: list[nn.Parameter] = list(self.parameters())
        if y is not None:
            classes, targets = np.unique(_array(y), return_inverse=True)
            labels = torch.from_numpy(targets).to(vectors.device)
            if len(labels) != len(vectors):
                raise ValueError(f"{len(vectors)} vectors came with {len(labels)} labels")
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                head = MatryoshkaLinear(self.dims, len(classes), efficient=True).to(vectors)
            learned += list(head.parameters())
            criterion = MatryoshkaLoss()

            def loss(rows: Tensor) -> Tensor:
                return cast(Tensor, criterion(head(self(vectors[rows])), labels[rows]))
        elif pairs is not None:
            partners = self._checked(pairs)
            if len(partners) != len(vectors):
                raise ValueError(f"{len(vectors)} vectors came with {len(partners)} partners")
            ranking = MatryoshkaRankingLoss(self.dims)

            def loss(rows: Tensor) -> Tensor:
                return cast(Tensor, ranking(self(vectors[rows]), self(partners[rows])))
        else:

            def loss(rows: Tensor) -> Tensor:
                return neighbour_loss(vectors[rows], self(vectors[rows]), self.dims)

        steps_an_epoch = max(1, -(-len(vectors) // batch_size))
        self.train()
        minimise(
            learned,
            loss,
            len(vectors),
            epochs=-(-STEPS // steps_an_epoch) if epochs is None else epochs,
            batch_size=min(batch_size, len(vectors)),
            learning_rate=learning_rate,
            generator=generator,
        )
        return self.eval()

    def transform(self, X: Any) -> Float[np.ndarray, "n d_in"]:
        """The vectors of an array, mapped."""
        with torch.no_grad():
            return np.asarray(self(self._checked(X)).cpu().numpy())

    def _checked(self, X: Any) -> Float[Tensor, "n d_in"]:
        vectors = torch.as_tensor(_array(X), dtype=self._weight.dtype)
        if vectors.ndim != 2 or vectors.shape[1] != self.d_in:
            raise ValueError(f"vectors ({self.d_in} numbers each) are needed, got {tuple(vectors.shape)}")
        if not vectors.isfinite().all():
            raise ValueError("a vector holds numbers that are not finite")
        return vectors.to(self._weight.device)

    @property
    def _weight(self) -> Tensor:
        return next(self.parameters())

    def get_config_dict(self) -> dict[str, Any]:
        """What makes the module again."""
        return {"d_in": self.d_in, "dims": list(self.dims), "hidden": self.hidden}

    def get_embedding_dimension(self) -> int:
        """Size of what comes out, as sentence-transformers asks for it."""
        return self.d_in

    def get_sentence_embedding_dimension(self) -> int:
        """Size of what comes out, under its older name."""
        return self.d_in

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the module into a folder, as sentence-transformers does with each of its modules."""
        folder = Path(output_path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.config_file_name).write_text(json.dumps(self.get_config_dict()), encoding="utf-8")
        save_file(
            {name: w.contiguous() for name, w in self.state_dict().items()}, folder / "model.safetensors"
        )

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> Self:
        """Read the module from a folder.

        Args:
            model_name_or_path: the folder, or that of the whole sentence-transformers model.
            subfolder: the module's place in the latter.
            kwargs: what sentence-transformers passes besides; not needed for a folder.

        Raises:
            ValueError: there is no such folder.
        """
        folder = Path(model_name_or_path) / subfolder
        if folder.is_absolute() and not folder.is_dir():
            raise ValueError(f"there is no folder {folder} to load an adaptor from")
        if not (folder / cls.config_file_name).is_file():
            return cls.from_pretrained(model_name_or_path, **kwargs)
        module = cls(**json.loads((folder / cls.config_file_name).read_text(encoding="utf-8")))
        module.load_state_dict(load_file(folder / "model.safetensors"))
        return module.eval()


def _array(values: Any) -> np.ndarray:
    """Numbers or names as an array, wherever a tensor of them lies."""
    return np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values)


def neighbour_loss(
    vectors: Float[Tensor, "batch d"],
    mapped: Float[Tensor, "batch d"],
    dims: Sequence[int],
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """How far each prefix is from the neighbourhoods of the whole vectors, summed over sizes.

    For every vector, its similarities to the others of the batch make a distribution by a softmax; the loss
    is the divergence of each prefix's distribution from that of the whole, unmapped vector. Near neighbours
    weigh most.

    Args:
        vectors: as the frozen encoder gives them.
        mapped: the same, adapted.
        dims: the nesting list.
        temperature: how far a neighbourhood reaches.
    """
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    whole = prefix_similarities(vectors, vectors, [vectors.shape[1]])[0]
    wanted = (whole / temperature).masked_fill(itself, -1e4).log_softmax(dim=1)
    given = (prefix_similarities(mapped, mapped, dims) / temperature).masked_fill(itself, -1e4)
    kept = F.kl_div(given.log_softmax(dim=2), wanted.expand_as(given), reduction="none", log_target=True).sum(
        dim=2
    )
    return kept.mean(dim=1).sum()
