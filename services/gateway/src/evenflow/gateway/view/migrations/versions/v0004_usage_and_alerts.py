"""Usage over time, archived snapshots, alerts, and how far their receivers were told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; usage of before is not in them."""
    op.create_table(
        "usage_spans",
        sa.Column("start_at", sa.BigInteger(), primary_key=True),
        sa.Column("width_us", sa.BigInteger(), primary_key=True),
        sa.Column("queue", sa.String(2100), primary_key=True),
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("resource", sa.String(255), primary_key=True),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
    )
    op.create_table(
        "usage_snapshots",
        sa.Column("fact_sequence", sa.BigInteger(), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("generated_at", sa.BigInteger(), nullable=False),
        sa.Column("data_until", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
    )
    op.create_index("usage_snapshots_by_time", "usage_snapshots", ["generated_at"])
    op.create_table(
        "usage_archive",
        sa.Column("generated_at", sa.BigInteger(), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(2100), primary_key=True),
        sa.Column("resource", sa.String(255), primary_key=True),
        sa.Column("raw_hours", sa.Float(53), nullable=False),
        sa.Column("normalized", sa.Float(53), nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("sequence", sa.BigInteger(), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(2100), nullable=False),
        sa.Column("limit_name", sa.String(255), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("is_raised", sa.Boolean(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "webhook_cursors",
        sa.Column("url_digest", sa.String(64), primary_key=True),
        sa.Column("log_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("webhook_cursors")
    op.drop_table("alerts")
    op.drop_table("usage_archive")
    op.drop_index("usage_snapshots_by_time", "usage_snapshots")
    op.drop_table("usage_snapshots")
    op.drop_table("usage_spans")
