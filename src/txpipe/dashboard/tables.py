"""The tables of the store, as SQLAlchemy knows them; ``migrations`` makes them.

Portable columns only. What differs between SQLite and PostgreSQL is the index behind the search for words:
an FTS5 table there, which the writer fills (triggers take four times as long), a column of lexemes with a GIN
index here; both follow ``alerts.search``. SQLite finds subjects and incidents in it, too: their values come
in no order, and a tree of millions of them writes another page for every alert.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

HEAD = "0003"
"""The newest migration; a test holds it against the folder."""

NAME_CHARS = 256
"""Characters that an indexed column keeps: PostgreSQL refuses index rows over 2,704 bytes."""

TITLE_CHARS = 1000

BYTEWISE = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
"""Text that is compared byte for byte on either, so that both sort alike."""

WHOLE = sa.BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
"""64 bits; SQLite makes a row's own number of it only under this name."""

SPAN = 4096
"""Numbers of alerts that share a row of ``spans``."""

NOT_OPEN = {name: sa.text(f"{name} <> 'open'") for name in ("status", "triage")}
"""What the indices of these leave out: nearly all alerts are open, and who looks for those walks along."""

metadata = sa.MetaData()

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("num", WHOLE, primary_key=True, autoincrement=False, doc="order of first arrival"),
    sa.Column("id", BYTEWISE, nullable=False, unique=True),
    sa.Column("seq", WHOLE, nullable=False, doc="the revision that counts"),
    sa.Column("rev", WHOLE, nullable=False),
    sa.Column("status", BYTEWISE, nullable=False),
    sa.Column("rule", BYTEWISE, nullable=False),
    sa.Column("category", BYTEWISE, nullable=False),
    sa.Column("severity", BYTEWISE, nullable=False),
    sa.Column("score", sa.SmallInteger, nullable=False),
    sa.Column("chain", BYTEWISE, nullable=False),
    sa.Column("block", WHOLE),
    sa.Column("time", WHOLE, nullable=False),
    sa.Column("tx", BYTEWISE, nullable=False),
    sa.Column("subject", BYTEWISE, nullable=False),
    sa.Column("role", BYTEWISE, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("incident", BYTEWISE, nullable=False),
    sa.Column("shadow", sa.Boolean, nullable=False),
    sa.Column("received", sa.Double, nullable=False, doc="Unix seconds of first arrival"),
    sa.Column("changed", sa.Double, nullable=False, doc="Unix seconds of the last revision"),
    sa.Column("triage", BYTEWISE, nullable=False),
    sa.Column("triaged_by", sa.String, nullable=False),
    sa.Column("triaged_at", sa.Double),
    sa.Column("search", sa.Text, nullable=False, doc="words that find it, separated by spaces"),
    sa.Index("alerts_severity", "severity", "num"),
    sa.Index("alerts_rule", "rule", "num"),
    sa.Index("alerts_category", "category", "num"),
    sa.Index("alerts_chain", "chain", "num"),
    sa.Index(
        "alerts_status", "status", "num", sqlite_where=NOT_OPEN["status"], postgresql_where=NOT_OPEN["status"]
    ),
    sa.Index(
        "alerts_triage", "triage", "num", sqlite_where=NOT_OPEN["triage"], postgresql_where=NOT_OPEN["triage"]
    ),
    sa.Index("alerts_subject", "subject", "num").ddl_if(dialect="postgresql"),
    sa.Index("alerts_incident", "incident", "num").ddl_if(dialect="postgresql"),
    sqlite_autoincrement=False,
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("seq", WHOLE, primary_key=True, autoincrement=False, doc="order of arrival"),
    sa.Column("num", WHOLE, nullable=False),
    sa.Column("rev", WHOLE, nullable=False),
    sa.Column("received", sa.Double, nullable=False),
    sa.Column("line", sa.LargeBinary, nullable=False, doc="the alert, byte for byte"),
    sa.Index("revisions_alert", "num", "rev", unique=True),
)

triage = sa.Table(
    "triage",
    metadata,
    sa.Column("entry", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("num", WHOLE, nullable=False),
    sa.Column("action", BYTEWISE, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("undoes", WHOLE, doc="the entry that this one takes back"),
    sa.Index("triage_alert", "num", "entry"),
)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("chain", BYTEWISE, primary_key=True),
    sa.Column("source", BYTEWISE, primary_key=True),
    sa.Column("status", BYTEWISE, nullable=False),
    sa.Column("since", sa.Double, nullable=False, doc="Unix seconds at which the status came"),
    sa.Column("seen", sa.Double, nullable=False, doc="Unix seconds of the last heartbeat"),
    sa.Column("block", WHOLE),
    sa.Column("time", WHOLE, nullable=False),
    sa.Column("lag_s", sa.Double, nullable=False),
    sa.Column("records", WHOLE, nullable=False),
    sa.Column("bad", WHOLE, nullable=False),
)

stalls = sa.Table(
    "stalls",
    metadata,
    sa.Column("chain", BYTEWISE, primary_key=True),
    sa.Column("source", BYTEWISE, primary_key=True),
    sa.Column("since", sa.Double, primary_key=True, doc="Unix seconds"),
    sa.Column("status", BYTEWISE, primary_key=True, doc="stalled, blind or silent"),
    sa.Column("until", sa.Double, doc="Unix seconds; null while it lasts"),
    sa.Index("stalls_since", "since"),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", BYTEWISE, primary_key=True),
    sa.Column("value", WHOLE, nullable=False),
)

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("kind", BYTEWISE, primary_key=True, doc="one of COUNTED"),
    sa.Column("value", BYTEWISE, primary_key=True),
    sa.Column("held", WHOLE, nullable=False, doc="alerts that have this value"),
    sa.Index("tallies_held", "kind", "held"),
)

COUNTED = ("severity", "rule", "category", "chain", "status", "triage")
"""Columns of alerts whose values are counted as alerts come, change and go."""

spans = sa.Table(
    "spans",
    metadata,
    sa.Column("span", WHOLE, primary_key=True, autoincrement=False, doc="num / SPAN"),
    sa.Column("oldest", WHOLE, nullable=False, doc="no alert of these numbers has an earlier time"),
    sa.Column("newest", WHOLE, nullable=False, doc="nor a later one"),
)
