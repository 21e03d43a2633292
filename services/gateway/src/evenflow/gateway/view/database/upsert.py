"""Inserts that overwrite, or add to, what is there: SQLite and PostgreSQL alike."""

from typing import Final

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect


def insert_into(table: Table, dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's own insert."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


_UPSERTS: Final[dict[tuple[str, str], Insert]] = {}
_ADDITIONS: Final[dict[tuple[str, str], Insert]] = {}


def upsert(table: Table, dialect: Dialect) -> Insert:
    """Return an insert that overwrites, made once: building it costs more than running it."""
    key = (table.name, dialect.name)
    if key not in _UPSERTS:
        insert = insert_into(table, dialect)
        columns = [column for column in table.columns if not column.primary_key]
        _UPSERTS[key] = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={column.name: insert.excluded[column.name] for column in columns},
        )
    return _UPSERTS[key]


def addition(table: Table, column: str, dialect: Dialect) -> Insert:
    """Return an insert that adds a column's number to the row that is there, made once."""
    key = (table.name, dialect.name)
    if key not in _ADDITIONS:
        insert = insert_into(table, dialect)
        _ADDITIONS[key] = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={column: table.c[column] + insert.excluded[column]},
        )
    return _ADDITIONS[key]
