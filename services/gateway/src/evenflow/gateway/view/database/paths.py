"""A queue and all below it, as a question to the database."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, false, or_


def at_or_below(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    """Return what holds for a queue and everything below it, and for no other."""
    # A range instead of LIKE, which takes no index in PostgreSQL and knows no case in SQLite.
    # Needs text that is compared by its bytes: "0" comes right after "/".
    return or_(column == path, and_(column >= f"{path}/", column < f"{path}0"))


def in_projects(
    column: ColumnElement[str], projects: Collection[str] | None
) -> list[ColumnElement[bool]]:
    """Return what holds for those projects alone, as conditions; None: for all."""
    return [] if projects is None else [column.in_(sorted(projects))]


def below_projects(
    column: ColumnElement[str], projects: Collection[str] | None
) -> list[ColumnElement[bool]]:
    """Return what holds for paths in those projects alone, as conditions; None: for all."""
    if projects is None:
        return []
    return [or_(false(), *(at_or_below(column, project) for project in sorted(projects)))]
