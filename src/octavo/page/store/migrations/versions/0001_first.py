"""The first tables, with the full-text index of the dialect.

Until the first release they are made as they stand in `tables`; a release freezes them here.
"""

from alembic import op

from octavo.page.store.tables import metadata

revision = "0001"
down_revision = None

# External content: the text is stored once, in papers. Triggers keep the index in step with changes; new
# papers are indexed by the store, a batch in one statement, which is nearly twice as fast as a trigger.
SQLITE = (
    """CREATE VIRTUAL TABLE papers_fts USING fts5(
        title, authors, abstract, content='papers', content_rowid='row',
        tokenize="porter unicode61 remove_diacritics 2")""",
    # Words of a batch of an import are written at once, in the place of a megabyte at a time: fewer merges.
    "INSERT INTO papers_fts(papers_fts, rank) VALUES ('hashsize', 16777216)",
    "INSERT INTO papers_fts(papers_fts, rank) VALUES ('crisismerge', 32)",
    "INSERT INTO papers_fts(papers_fts, rank) VALUES ('automerge', 16)",
    """CREATE TRIGGER papers_fts_delete AFTER DELETE ON papers BEGIN
        INSERT INTO papers_fts(papers_fts, rowid, title, authors, abstract)
        VALUES ('delete', old.row, old.title, old.authors, old.abstract); END""",
    """CREATE TRIGGER papers_fts_update AFTER UPDATE OF title, authors, abstract ON papers BEGIN
        INSERT INTO papers_fts(papers_fts, rowid, title, authors, abstract)
        VALUES ('delete', old.row, old.title, old.authors, old.abstract);
        INSERT INTO papers_fts(rowid, title, authors, abstract)
        VALUES (new.row, new.title, new.authors, new.abstract); END""",
)
# A query comes without accents; unaccent() is not immutable and so cannot make a column.
ACCENTED, BARE = (
    "àáâãäåāăçćčďèéêëēěìíîïīłñńňòóôõöøōőřśšťùúûüūůűýÿžźż",
    ("aaaaaaaacccdeeeeeeiiiiilnnnoooooooorsstuuuuuuuyyzzz"),
)
_FOLDED = {
    name: f"translate(lower({name}), '{ACCENTED}', '{BARE}')" for name in ("title", "authors", "abstract")
}
# English stems as SQLite's index has them, and every word: without "again", -again would leave nothing out.
_KINDS = "asciiword, asciihword, hword_asciipart, word, hword, hword_part"
POSTGRESQL = (
    "CREATE TEXT SEARCH DICTIONARY octavo_stem (TEMPLATE = snowball, Language = english)",
    "CREATE TEXT SEARCH CONFIGURATION octavo (COPY = english)",
    f"ALTER TEXT SEARCH CONFIGURATION octavo ALTER MAPPING FOR {_KINDS} WITH octavo_stem",
    f"""ALTER TABLE papers ADD COLUMN words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('octavo', {_FOLDED["title"]}), 'A')
        || setweight(to_tsvector('octavo', {_FOLDED["authors"]}), 'B')
        || setweight(to_tsvector('octavo', {_FOLDED["abstract"]}), 'D')) STORED""",
    "CREATE INDEX papers_words ON papers USING gin(words)",
)


def upgrade() -> None:
    """Makes the tables."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Drops everything."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute("DROP TABLE papers_fts")
    else:
        op.execute("DROP TABLE IF EXISTS papers_vectors")
    metadata.drop_all(connection)
    if connection.dialect.name != "sqlite":
        op.execute("DROP TEXT SEARCH CONFIGURATION octavo")
        op.execute("DROP TEXT SEARCH DICTIONARY octavo_stem")
