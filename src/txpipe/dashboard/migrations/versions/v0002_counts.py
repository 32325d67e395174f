"""Counts and times beside the alerts, so that nobody reads millions for them; fewer and smaller indices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql, sqlite

revision = "0002"
down_revision = "0001"

_TEXT = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
_WHOLE = sa.BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

_COUNTED = ("severity", "rule", "category", "chain", "status", "triage")
_SPANS = "SELECT num / 4096, min(time), max(time) FROM alerts GROUP BY 1"
_SQLITE_TRIGGERS = ("alerts_words_new", "alerts_words_gone", "alerts_words_changed")


def upgrade() -> None:
    """Make and fill them; drop what is no longer asked."""
    op.create_table(
        "tallies",
        sa.Column("kind", _TEXT, primary_key=True),
        sa.Column("value", _TEXT, primary_key=True),
        sa.Column("held", _WHOLE, nullable=False),
    )
    op.create_index("tallies_held", "tallies", ["kind", "held"])
    op.create_table(
        "spans",
        sa.Column("span", _WHOLE, primary_key=True, autoincrement=False),
        sa.Column("oldest", _WHOLE, nullable=False),
        sa.Column("newest", _WHOLE, nullable=False),
    )
    for name in _COUNTED:
        op.execute(f"INSERT INTO tallies SELECT '{name}', {name}, count(*) FROM alerts GROUP BY {name}")  # noqa: S608 - of constants
    op.execute(f"INSERT INTO spans {_SPANS}")
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name in ("time", "status", "triage", *(("subject", "incident") if is_sqlite else ())):
        op.drop_index(f"alerts_{name}", "alerts")
    for name in ("status", "triage"):
        not_open = sa.text(f"{name} <> 'open'")
        op.create_index(
            f"alerts_{name}", "alerts", [name, "num"], sqlite_where=not_open, postgresql_where=not_open
        )
    for trigger in _SQLITE_TRIGGERS if is_sqlite else ():
        op.execute(f"DROP TRIGGER {trigger}")
