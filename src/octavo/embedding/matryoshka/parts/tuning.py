"""Why a nested loss seems to lose at large sizes: learning rate, weights of the sum, and weight decay."""

from dataclasses import replace

from octavo.embedding.matryoshka.parts.queries import NAME, Vectors, hits, rival, trained
from octavo.embedding.matryoshka.scales import Config
from octavo.embedding.matryoshka.trunk import NestedClassifier
from octavo.lab import Lab, part


@part(seeds=1, data=(NAME, "minilm"))
def tuning(config: Config, lab: Lab) -> None:
    """Accuracy on the validation queries along one grid of learning rates, for both sides."""
    vectors = Vectors(config, ("train", "validation"))
    x, y = vectors.x["train"], vectors.y["train"]

    def record(system: str, model: NestedClassifier, rate: float, decay: float = config.weight_decay) -> None:
        z = model.embed(vectors.x["validation"])
        for dim in model.head.dims:
            lab.record(
                system=system,
                dataset=f"{NAME}-validation",
                metric="accuracy",
                value=hits(model, z, vectors.y["validation"], dim).mean(),
                at={"learning_rate": rate, "weight_decay": decay, "dims": dim},
            )

    for rate in config.grid:
        record("mrl", trained(config, lab, "mrl", x, y, config.dims, learning_rate=rate), rate)
        for dim in config.tuned_rivals:
            record("ff", rival(config, lab, vectors, dim, learning_rate=rate), rate)
    # The mean over sizes in the place of the paper's sum, c_m = 1.
    rate, mean = config.learning_rate, [1 / len(config.dims)] * len(config.dims)
    record("mrl_mean", trained(config, lab, "mrl_mean", x, y, config.dims, weights=mean), rate)
    for decay in config.decays:
        changed = replace(config, weight_decay=decay)
        record("mrl", trained(changed, lab, "mrl", x, y, config.dims), rate, decay)
        record("ff", rival(changed, lab, vectors, config.dims[-1]), config.rival_rates[-1], decay)
