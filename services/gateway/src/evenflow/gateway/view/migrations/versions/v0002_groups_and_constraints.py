"""Jobs get task groups and constraints."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; jobs of before have neither."""
    op.add_column("jobs", sa.Column("groups_json", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("constraints_json", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("jobs", "constraints_json")
    op.drop_column("jobs", "groups_json")
