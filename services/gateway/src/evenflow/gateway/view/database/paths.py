"""A queue and all below it, as a question to the database."""

from sqlalchemy import ColumnElement, and_, or_


def at_or_below(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    """Return what holds for a queue and everything below it, and for no other."""
    # A range instead of LIKE, which takes no index in PostgreSQL and knows no case in SQLite.
    # Needs text that is compared by its bytes: "0" comes right after "/".
    return or_(column == path, and_(column >= f"{path}/", column < f"{path}0"))
