"""Questions about usage over time: what ended attempts have held, and what snapshots said."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    false,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from evenflow.common.domain.errors import InvalidValue
from evenflow.gateway.view.database.paths import at_or_below, below_projects, in_projects
from evenflow.gateway.view.rules.usage_range import UsageRange
from evenflow.gateway.view.schema import meta
from evenflow.gateway.view.usage.schema import usage_archive, usage_spans

GROUPS: Final = ("queue", "project", "user")
MOST_NUMBERS: Final = 50_000


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Whose usage is meant; None means everybody's."""

    queue: str | None = None  # a path: the queue and everything below it
    project: str | None = None
    user: str | None = None
    projects: frozenset[str] | None = None  # those that exist for who asks

    def accepts(self, queue: str, project: str, user: str) -> bool:
        """Whether usage of a user in a queue is meant."""
        return (
            (self.queue is None or queue == self.queue or queue.startswith(f"{self.queue}/"))
            and self.project in (None, project)
            and (self.projects is None or project in self.projects)
            and self.user in (None, user)
        )

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must fulfil."""
        spans = usage_spans.c
        wanted: list[ColumnElement[bool]] = in_projects(spans.project, self.projects)
        if self.queue is not None:
            wanted.append(at_or_below(spans.queue, self.queue))
        if self.project is not None:
            wanted.append(spans.project == self.project)
        if self.user is not None:
            wanted.append(spans.user == self.user)
        return wanted


@asynccontextmanager
async def pinned(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a connection that sees the view as it is now, whatever is written meanwhile."""
    async with engine.connect() as plain:
        if engine.dialect.name == "sqlite":
            # The driver opens no transaction for reading by itself.
            await plain.exec_driver_sql("BEGIN")
            connection = plain
        else:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
        await connection.execute(select(meta.c.sequence))  # the first statement takes the snapshot
        yield connection


async def held_sums(
    connection: AsyncConnection, within: UsageRange, wanted: UsageFilter, groups: Sequence[str]
) -> Sequence[RowMapping]:
    """Return rows of `step`, the groups' columns, `resource` and `seconds`.

    Raises:
        InvalidValue: there are too many.
    """
    spans = usage_spans.c
    step: ColumnElement[Any] = literal(within.since)
    if within.width_us is not None:
        # Written out: PostgreSQL takes two parameters of the same value for two expressions.
        width, offset = _number(within.width_us), _number(within.offset_us)
        step = (spans.start_at - offset) // width * width + offset
    keys = [step.label("step"), *(spans[name] for name in groups), spans.resource]
    grouped = keys if within.width_us is not None else keys[1:]
    query = (
        select(*keys, func.sum(spans.seconds).label("seconds"))
        .where(spans.start_at >= within.since, spans.start_at < within.until, *wanted.conditions())
        .group_by(*grouped)
        .limit(MOST_NUMBERS + 1)
    )
    rows = (await connection.execute(query)).mappings().all()
    refuse_too_many(len(rows))
    return rows


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger)


def refuse_too_many(numbers: int) -> None:
    """Refuse an answer that would be too long; raises InvalidValue."""
    if numbers > MOST_NUMBERS:
        rule = f"gives more than {MOST_NUMBERS} numbers: ask for less time, or for one queue"
        raise InvalidValue("group_by", numbers, rule)


def shown_names(kind: str, projects: frozenset[str] | None) -> list[ColumnElement[bool]]:
    """Return which archived names are shown to whom only those projects exist for."""
    name = usage_archive.c.name
    if projects is None:
        return []
    match kind:
        case "queue":
            return below_projects(name, projects)
        case "project":
            return in_projects(name, projects)
        case _:
            return [false()]  # what users used is summed over all projects


async def archived(
    engine: AsyncEngine,
    within: UsageRange,
    kind: str,
    name: str | None,
    only: Sequence[ColumnElement[bool]] = (),
) -> Sequence[RowMapping]:
    """Return the archived numbers of snapshots by time, name and resource.

    Raises:
        InvalidValue: there are too many.
    """
    table = usage_archive.c
    query = (
        select(usage_archive)
        .where(
            table.kind == kind,
            table.generated_at >= within.since,
            table.generated_at < within.until,
            *(() if name is None else (table.name == name,)),
            *only,
        )
        .order_by(table.generated_at, table.name, table.resource)
        .limit(MOST_NUMBERS + 1)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).mappings().all()
    refuse_too_many(len(rows))
    return rows
