"""Room kept in advance; deadlines of jobs and waiting-time targets of queues."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns; jobs and queues of before have neither."""
    op.create_table(
        "reservations",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("resources_json", sa.Text(), nullable=False),
        sa.Column("executor", sa.String(32), nullable=False),
        sa.Column("constraints_json", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
    )
    op.create_index("reservations_by_end", "reservations", ["end_at"])
    op.add_column("jobs", sa.Column("deadline_at", sa.BigInteger(), nullable=True))
    op.add_column("queues", sa.Column("target_wait_us", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("queues", "target_wait_us")
    op.drop_column("jobs", "deadline_at")
    op.drop_index("reservations_by_end", "reservations")
    op.drop_table("reservations")
