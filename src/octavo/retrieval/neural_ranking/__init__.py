"""Neural ranking models (arXiv 1903.06902): the survey's families behind one interface, and the baselines.

A ranker scores texts for a query: `model.rank(query, docs)`. `Reranker` puts it behind BM25, `fit` trains it
on your own judgements, and `evaluate_run` measures what comes out as trec_eval does.

Paper: arXiv 1903.06902. Measured claims: ``octavo run neural_ranking``.
"""

from octavo.retrieval.neural_ranking.drmm import DRMM
from octavo.retrieval.neural_ranking.encoders import BiEncoder, CrossEncoder
from octavo.retrieval.neural_ranking.features import LambdaMARTFeatures
from octavo.retrieval.neural_ranking.fitting import FitReport, fit
from octavo.retrieval.neural_ranking.formats import read_beir, read_qrels, read_run, write_run
from octavo.retrieval.neural_ranking.heuristics import BM25, QueryLikelihood
from octavo.retrieval.neural_ranking.image_models import ARCII, PACRR, MatchPyramid
from octavo.retrieval.neural_ranking.kernel_models import KNRM, ConvKNRM
from octavo.retrieval.neural_ranking.letter_models import CDSSM, DSSM
from octavo.retrieval.neural_ranking.metrics import evaluate_run, randomisation_test
from octavo.retrieval.neural_ranking.ranker import Ranker, TextRanker
from octavo.retrieval.neural_ranking.reranker import Reranker
from octavo.retrieval.neural_ranking.sequence_models import ARCI, MVLSTM, Duet
from octavo.retrieval.neural_ranking.text import Vocabulary
from octavo.retrieval.neural_ranking.training import Recipe
from octavo.retrieval.neural_ranking.vectors import static_vectors

__all__ = [
    "ARCI",
    "ARCII",
    "BM25",
    "CDSSM",
    "DRMM",
    "DSSM",
    "KNRM",
    "MVLSTM",
    "PACRR",
    "BiEncoder",
    "ConvKNRM",
    "CrossEncoder",
    "Duet",
    "FitReport",
    "LambdaMARTFeatures",
    "MatchPyramid",
    "QueryLikelihood",
    "Ranker",
    "Recipe",
    "Reranker",
    "TextRanker",
    "Vocabulary",
    "evaluate_run",
    "fit",
    "randomisation_test",
    "read_beir",
    "read_qrels",
    "read_run",
    "static_vectors",
    "write_run",
]
