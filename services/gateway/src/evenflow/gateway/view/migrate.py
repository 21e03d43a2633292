"""Bring a database to the newest schema. The migrations travel inside the package."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Apply the migrations that this database has not had yet, in the caller's transaction."""
    from alembic import command  # noqa: PLC0415 - a fifth of a second that only a start needs
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
