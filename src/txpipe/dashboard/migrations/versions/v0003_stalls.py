"""When sources were not ok."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_TEXT = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "stalls",
        sa.Column("chain", _TEXT, primary_key=True),
        sa.Column("source", _TEXT, primary_key=True),
        sa.Column("since", sa.Double, primary_key=True),
        sa.Column("status", _TEXT, primary_key=True),
        sa.Column("until", sa.Double),
    )
    op.create_index("stalls_since", "stalls", ["since"])
