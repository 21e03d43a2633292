"""PostgreSQL compares the view's text by bytes, as SQLite does.

A queue and all below it are found as a range of paths, and a language's order would tear it apart.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "alerts", "attempts", "bases", "idempotency", "jobs", "meta", "queues", "quotas",
    "reservations", "usage_archive", "usage_snapshots", "usage_spans",
)  # fmt: skip


def upgrade() -> None:
    """Give every column of text the collation "C"."""
    _collate('"C"')


def downgrade() -> None:
    """Give them the database's own."""
    _collate('"default"')


def _collate(collation: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table in TABLES:
        for column in sa.inspect(connection).get_columns(table):
            if isinstance(column["type"], sa.String):
                kind = column["type"].compile(connection.dialect).split(" COLLATE")[0]
                op.execute(
                    f'ALTER TABLE {table} ALTER COLUMN "{column["name"]}" '
                    f"TYPE {kind} COLLATE {collation}"
                )
