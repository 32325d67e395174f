"""What Alembic runs: the steps, on the connection that ``database`` has opened."""

from __future__ import annotations

from alembic import context

from txpipe.dashboard.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
