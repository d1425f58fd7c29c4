"""The papers of this library, with what is published of them in the ledger."""

from datetime import UTC, datetime

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.lab.folder import Run
from octavo.ledger import published
from octavo.page.store import ListedPaper, Store, StoredRun, Upserted


def import_library(store: Store) -> Upserted:
    """Puts the catalogue into a store, verdicts and runs as published; as often as one likes."""
    cards = catalogue.papers()
    report = store.papers.put([entry_of(card) for card in cards])
    for card in cards:
        if card.runs:
            judged = [judgement.as_dict() for judgement in published.judgements(card)]
            store.ledger.put(card.arxiv, judged, [_run(card, run) for run in published.runs(card)])
    return report


def entry_of(card: Paper) -> ListedPaper:
    """A paper of the catalogue as the page lists it."""
    return ListedPaper(
        id=card.arxiv,
        title=card.title,
        abstract=" ".join(card.summary.split()),
        authors=card.authors,
        published=f"{card.year}-01-01",
        updated=f"{card.year}-01-01",
        source="octavo",
        url=card.url,
        code=card.code,
        slug=card.slug,
        shelf=card.shelf,
        runs=card.runs,
        has_demo=card.has_demo,
    )


def _run(card: Paper, run: Run) -> StoredRun:
    """A published run, dated by its last unit and placed where that unit ran."""
    units = sorted(run.units(), key=lambda unit: str(unit.provenance.get("finished", "")))
    where = units[-1].provenance if units else {}
    finished = str(where.get("finished") or "1970-01-01T00:00:00Z")
    at = datetime.fromisoformat(finished.replace("Z", "+00:00")).astimezone(UTC).timestamp()
    machine = f"{where.get('cpu', 'unknown processor')}, {where.get('cores', '?')} cores"
    return StoredRun(
        card.arxiv, str(where.get("commit", "")), str(run.scale), machine, at, dict(run.description)
    )
