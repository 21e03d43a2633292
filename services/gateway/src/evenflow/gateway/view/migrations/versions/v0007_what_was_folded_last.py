"""The cursor proves that it fits the log: by the last fact folded, not its number alone."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Views of before name no fact: they are compared by their number, as they were."""
    op.add_column("meta", sa.Column("last_event_at", sa.BigInteger))
    by_bytes = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    op.add_column("meta", sa.Column("last_event_id", by_bytes))
    op.add_column("meta", sa.Column("last_loss", sa.BigInteger))


def downgrade() -> None:
    """Compare by number again."""
    for name in ("last_event_at", "last_event_id", "last_loss"):
        op.drop_column("meta", name)
