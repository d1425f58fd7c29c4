"""Papers from elsewhere: streamed, resumed, and the same however often."""

from octavo.page.ingest.arxiv import import_snapshot, import_table
from octavo.page.ingest.daily import import_daily
from octavo.page.ingest.library import import_library
from octavo.page.ingest.oai import import_delta
from octavo.page.ingest.own import import_bibtex, import_jsonl
from octavo.page.ingest.reading import Report

__all__ = [
    "Report",
    "import_bibtex",
    "import_daily",
    "import_delta",
    "import_jsonl",
    "import_library",
    "import_snapshot",
    "import_table",
]
