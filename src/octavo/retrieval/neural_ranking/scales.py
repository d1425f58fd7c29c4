"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Every field is a flag; all models of a comparison share them."""

    seeds: int = 3
    """Seeds of the comparisons between models."""
    collections: tuple[str, ...] = ("Cranfield", "CISI", "CACM", "NPL")
    """Judged collections; the queries of all of them are pooled."""
    judged_queries: int = 1000
    """Queries of each collection, at most."""
    documents: int = 1_000_000
    """Documents of each collection, at most; judged ones are kept first."""
    depth: int = 100
    """Candidates of a query that are ranked again."""
    folds: int = 5
    """One tests, one tells when to stop, the others train."""
    query_length: int = 12
    """Words of a query that models read; stop words are not among them."""
    doc_length: int = 64
    """Words of a document that models read."""

    loss: str = "ranknet"
    """Learning objective, where objectives are not what is compared."""
    epochs: int = 2
    """Epochs over the judged queries, at most."""
    cheap_epochs: int = 15
    """The same where the features of pairs never change and training costs nothing: K-NRM and DRMM."""
    batch: int = 8
    """Queries a step."""
    watched: int = 50
    """Candidates of a held-out query that tell when to stop, and how much the model counts beside BM25."""
    listed: int = 8
    """Documents of a query a step."""
    titles: int = 20_000
    """Titles of papers that must find their abstract, before anything judged is seen."""
    title_epochs: int = 1
    """Epochs over them."""
    title_listed: int = 2
    """Abstracts of a title a step: its own, and of the others half what BM25 takes for it, half at random."""
    title_batch: int = 16
    """Titles a step."""
    weak_titles: int = 25_000
    """Titles whose candidates BM25 labels, for weak supervision."""
    weak_depth: int = 10
    """Candidates of such a title."""

    phrase_filters: int = 32
    """Size of a phrase's vector in Conv-KNRM."""
    letter_trigrams: int = 2000
    """Letter trigrams that DSSM and CDSSM tell apart."""
    letter_hidden: int = 96
    """Size of their first layer; CDSSM has half of it, since it holds every trigram three times."""
    maps: int = 64
    """Maps of ARC-I; ARC-II has a quarter of them."""

    encoder: bool = True
    """Whether all-MiniLM-L6-v2 stands beside, as it comes."""
    encoder_depth: int = 30
    """Candidates that it ranks; the others keep their place behind these."""
    cross_steps: int = 0
    """Steps of fine-tuning a cross-encoder on titles; 0 leaves it out."""
    cross_batch: int = 16
    """Titles a step, each with its abstract and three others."""
    cross_depth: int = 50
    """Candidates that it ranks."""
    trees: int = 200
    """Trees of LambdaMART, at most."""
    known_items: int = 200
    """Docstrings that are looked for by their first sentence."""
    timed_docs: int = 1000
    """Documents whose ranking is timed."""


LEARNING_RATES = {
    "knrm": 3e-2,
    "drmm": 1e-2,
    "conv_knrm": 1e-2,
    "match_pyramid": 3e-3,
    "arc_ii": 1e-3,
    "pacrr": 1e-2,
    "mv_lstm": 3e-3,
    "duet": 1e-2,
    "arc_i": 3e-3,
    "dssm": 1e-3,
    "cdssm": 1e-3,
}
"""Of AdamW, a model each: the best of three rates, from 3e-4, 1e-3 or 3e-3 upwards by half powers of ten,
by nDCG@10 on the queries that two folds hold out, with one seed; MV-LSTM, the slowest, has MatchPyramid's."""


SCALES = {
    "smoke": Config(
        seeds=2,
        judged_queries=6,
        documents=150,
        depth=12,
        folds=3,
        epochs=1,
        cheap_epochs=2,
        titles=40,
        weak_titles=60,
        phrase_filters=4,
        letter_trigrams=200,
        letter_hidden=8,
        maps=8,
        encoder=False,
        trees=5,
        known_items=12,
        timed_docs=50,
    ),
    "laptop": Config(),
    "gpu": Config(
        seeds=5,
        query_length=24,
        doc_length=192,
        epochs=10,
        watched=100,
        listed=16,
        batch=16,
        titles=24_000,
        title_epochs=3,
        encoder_depth=100,
        phrase_filters=128,
        letter_trigrams=10_000,
        letter_hidden=300,
        cross_steps=2000,
        cross_batch=32,
        cross_depth=100,
    ),
    # Robust04 may not be given away: put it into the form of a BEIR folder and name it here.
    "paper": Config(
        seeds=5,
        collections=("Robust04",),
        depth=1000,
        query_length=24,
        doc_length=500,
        epochs=30,
        watched=100,
        encoder_depth=100,
        listed=16,
        batch=16,
        titles=24_000,
        title_epochs=3,
        phrase_filters=128,
        letter_trigrams=30_000,
        letter_hidden=300,
        cross_steps=5000,
        cross_batch=32,
        cross_depth=100,
    ),
}
