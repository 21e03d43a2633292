"""Migrations of the view's schema, for alembic."""
