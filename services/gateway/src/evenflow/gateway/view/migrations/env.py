"""Alembic's entry: run the migrations on the connection that was handed over."""

from alembic import context

from evenflow.gateway.view.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by copying the table
)
with context.begin_transaction():
    context.run_migrations()
