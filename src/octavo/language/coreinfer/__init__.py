"""CoreInfer (arXiv 2410.18311): a prompt's own feed-forward neurons, chosen while it is read, generate alone.

The whole model reads the prompt; then the weights of the core neurons are gathered once, and every further
token reads only those, with no predictor. `CoreReport` says for a model and texts of yours how small the core
may be: in models that were not trained to be sparse that is less small than in the paper's.
"""

from octavo.language.coreinfer.clusters import CoreClusters, fit_clusters
from octavo.language.coreinfer.inference import CoreInfer
from octavo.language.coreinfer.report import CoreReport
from octavo.language.coreinfer.watching import core_neurons

__all__ = ["CoreClusters", "CoreInfer", "CoreReport", "core_neurons", "fit_clusters"]
