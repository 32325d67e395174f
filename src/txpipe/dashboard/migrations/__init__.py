"""The store's migrations; Alembic runs them when a store is opened, in one transaction."""
