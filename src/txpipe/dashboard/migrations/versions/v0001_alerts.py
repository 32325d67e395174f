"""The first tables: alerts, their revisions, triage, sources of health, counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql, sqlite

revision = "0001"
down_revision = None

_TEXT = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
_WHOLE = sa.BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

# https://sqlite.org/fts5.html#external_content_tables: the index follows the table by triggers.
_FORGET = "INSERT INTO alerts_words (alerts_words, rowid, search) VALUES ('delete', old.num, old.search)"
_LEARN = "INSERT INTO alerts_words (rowid, search) VALUES (new.num, new.search)"
_TABLE = "fts5 (search, content='alerts', content_rowid='num', detail='none')"
_CHANGED = "AFTER UPDATE OF search ON alerts WHEN old.search <> new.search"
_SQLITE_SEARCH = (
    f"CREATE VIRTUAL TABLE alerts_words USING {_TABLE}",
    f"CREATE TRIGGER alerts_words_new AFTER INSERT ON alerts BEGIN {_LEARN}; END",
    f"CREATE TRIGGER alerts_words_gone AFTER DELETE ON alerts BEGIN {_FORGET}; END",
    f"CREATE TRIGGER alerts_words_changed {_CHANGED} BEGIN {_FORGET}; {_LEARN}; END",
)

_WORDS = "tsvector GENERATED ALWAYS AS (array_to_tsvector(string_to_array(search, ' '))) STORED"
_POSTGRESQL_SEARCH = (
    f"ALTER TABLE alerts ADD COLUMN words {_WORDS}",
    "CREATE INDEX alerts_words ON alerts USING gin (words)",
)


def upgrade() -> None:
    """Make them in an empty database."""
    op.create_table(
        "alerts",
        sa.Column("num", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("id", _TEXT, nullable=False, unique=True),
        sa.Column("seq", _WHOLE, nullable=False),
        sa.Column("rev", _WHOLE, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("status", "rule", "category", "severity")),
        sa.Column("score", sa.SmallInteger, nullable=False),
        sa.Column("chain", _TEXT, nullable=False),
        sa.Column("block", _WHOLE),
        sa.Column("time", _WHOLE, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("tx", "subject", "role")),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("incident", _TEXT, nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("received", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        sa.Column("triage", _TEXT, nullable=False),
        sa.Column("triaged_by", sa.String, nullable=False),
        sa.Column("triaged_at", sa.Double),
        sa.Column("search", sa.Text, nullable=False),
    )
    for name in ("time", "severity", "rule", "category", "chain", "status", "triage", "subject", "incident"):
        op.create_index(f"alerts_{name}", "alerts", [name, "num"])
    op.create_table(
        "revisions",
        sa.Column("seq", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("num", _WHOLE, nullable=False),
        sa.Column("rev", _WHOLE, nullable=False),
        sa.Column("received", sa.Double, nullable=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
    )
    op.create_index("revisions_alert", "revisions", ["num", "rev"], unique=True)
    _small_tables()
    for statement in _SQLITE_SEARCH if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_SEARCH:
        op.execute(statement)


def _small_tables() -> None:
    op.create_table(
        "triage",
        sa.Column("entry", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("num", _WHOLE, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("undoes", _WHOLE),
    )
    op.create_index("triage_alert", "triage", ["num", "entry"])
    op.create_table(
        "sources",
        sa.Column("chain", _TEXT, primary_key=True),
        sa.Column("source", _TEXT, primary_key=True),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("block", _WHOLE),
        sa.Column("time", _WHOLE, nullable=False),
        sa.Column("lag_s", sa.Double, nullable=False),
        sa.Column("records", _WHOLE, nullable=False),
        sa.Column("bad", _WHOLE, nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("value", _WHOLE, nullable=False),
    )
