"""Search by words and by meaning."""

from octavo.page.search.encoders import FULL, STATIC, Encoder, MiniLM, StaticEncoder, static_from_minilm
from octavo.page.search.keyword import KeywordIndex
from octavo.page.search.marking import Snippet
from octavo.page.search.meaning import Vectors, vectors_of
from octavo.page.search.pgvectors import PostgresVectors
from octavo.page.search.query import Query, parse
from octavo.page.search.searcher import Hit, Mode, Results, Search, search_of
from octavo.page.search.vectors import VectorIndex

__all__ = [
    "FULL",
    "STATIC",
    "Encoder",
    "Hit",
    "KeywordIndex",
    "MiniLM",
    "Mode",
    "PostgresVectors",
    "Query",
    "Results",
    "Search",
    "Snippet",
    "StaticEncoder",
    "VectorIndex",
    "Vectors",
    "parse",
    "search_of",
    "static_from_minilm",
    "vectors_of",
]
