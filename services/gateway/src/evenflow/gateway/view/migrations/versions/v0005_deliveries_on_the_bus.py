"""How far receivers of alerts were told is kept on the bus, where every gateway finds it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop what one gateway kept for itself."""
    op.drop_table("webhook_cursors")


def downgrade() -> None:
    """Make the table again, empty: receivers are told of what comes from then on."""
    op.create_table(
        "webhook_cursors",
        sa.Column("url_digest", sa.String(64), primary_key=True),
        sa.Column("log_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
    )
