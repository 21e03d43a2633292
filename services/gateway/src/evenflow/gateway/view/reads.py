"""Questions to the view. Each is one or two statements; nothing here decides anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from evenflow.common.domain.jobs.job import JobState
from evenflow.gateway.values.job_status import STATUS_OF
from evenflow.gateway.view import schema
from evenflow.gateway.view.database.paths import at_or_below, in_projects

Row = Mapping[Any, Any]
_jobs = schema.jobs.c


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list holds; None means any."""

    project: str | None = None
    queue: str | None = None  # a path: the queue and everything below it
    user: str | None = None
    job_type: str | None = None
    executor: str | None = None
    status: tuple[str, ...] = ()
    search: str | None = None
    array_id: str | None = None
    projects: frozenset[str] | None = None  # those that exist for who asks

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must fulfil."""
        wanted: list[ColumnElement[bool]] = in_projects(_jobs.project, self.projects)
        if self.queue is not None:
            wanted.append(at_or_below(_jobs.queue, self.queue))
        if self.project is not None and self.queue is None:
            wanted.append(at_or_below(_jobs.queue, self.project))
        if self.status:
            states = [state for state, status in STATUS_OF.items() if status in self.status]
            states += [state for state in JobState if state.value in self.status]
            wanted.append(_jobs.state.in_(sorted({str(state) for state in states})))
        for column, value in (
            (_jobs.user, self.user),
            (_jobs.job_type, self.job_type),
            (_jobs.executor, self.executor),
            (_jobs.array_id, self.array_id),
        ):
            if value is not None:
                wanted.append(column == value)
        if self.search:
            text = self.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            wanted.append(
                or_(
                    _jobs.name.ilike(f"%{text}%", escape="\\"),
                    _jobs.description.ilike(f"%{text}%", escape="\\"),
                    _jobs.id.startswith(self.search.lower(), autoescape=True),
                )
            )
        return wanted


class Reads:
    """Answers from the view."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Connections come from the engine's pool."""
        self.engine = engine

    async def job(self, job_id: str) -> Row | None:
        """Return a job's row."""
        return await self._one(select(schema.jobs).where(_jobs.id == job_id))

    async def jobs(self, wanted: JobFilter, *, page: int, page_size: int) -> tuple[list[Row], int]:
        """Return a page of jobs, newest first, and how many there are on all pages."""
        conditions = wanted.conditions()
        count = select(func.count()).select_from(schema.jobs).where(*conditions)
        rows = (
            select(schema.jobs)
            .where(*conditions)
            .order_by(_jobs.id.desc())
            .limit(page_size)
            .offset((page - 1) * page_size)
        )
        async with self.engine.connect() as connection:
            total = (await connection.execute(count)).scalar_one()
            found = (await connection.execute(rows)).mappings().all()
        return list(found), total

    async def submitted_between(self, after: int, until: int | None, limit: int) -> list[str]:
        """Return the ids of jobs that were submitted behind one instant and before another."""
        conditions = [_jobs.submitted_at > after]
        if until is not None:
            conditions.append(_jobs.submitted_at < until)
        rows = select(_jobs.id).where(*conditions).order_by(_jobs.id).limit(limit)
        return [row["id"] for row in await self._all(rows)]

    async def newest(self, limit: int, projects: frozenset[str] | None = None) -> Sequence[Row]:
        """Return the jobs submitted last, newest first, of those projects alone."""
        query = select(schema.jobs).where(*in_projects(_jobs.project, projects))
        return await self._all(query.order_by(_jobs.id.desc()).limit(limit))

    async def attempts(self, job_id: str) -> Sequence[Row]:
        """Return the attempts of a job before its last one, oldest first."""
        table = schema.attempts
        return await self._all(
            select(table).where(table.c.job_id == job_id).order_by(table.c.attempt)
        )

    async def ahead(
        self, queue: str, position: int, priority: int | None, limit: int
    ) -> tuple[int, Sequence[Row]]:
        """Return how many jobs of a queue go before one, and the first of them.

        `priority` None: by position alone; else by priority first.
        """
        before: ColumnElement[bool] = _jobs.position < position
        order: list[Any] = [_jobs.position]
        if priority is not None:
            before = or_(_jobs.priority > priority, and_(_jobs.priority == priority, before))
            order = [_jobs.priority.desc(), _jobs.position]
        where = (_jobs.queue == queue, _jobs.state == JobState.PENDING.value, before)
        columns = (_jobs.id, _jobs.name, _jobs.user, _jobs.priority, _jobs.position)
        async with self.engine.connect() as connection:
            count = select(func.count()).select_from(schema.jobs).where(*where)
            total = (await connection.execute(count)).scalar_one()
            first = select(*columns).where(*where).order_by(*order).limit(limit)
            rows = (await connection.execute(first)).mappings().all()
        return total, rows

    async def stats(
        self, project: str | None, projects: frozenset[str] | None = None
    ) -> Sequence[Row]:
        """Return the number of jobs by state, type and executor, in those projects alone."""
        keys = (_jobs.state, _jobs.job_type, _jobs.executor)
        query = select(*keys, func.count().label("count")).group_by(*keys)
        query = query.where(*in_projects(_jobs.project, projects))
        if project is not None:
            query = query.where(at_or_below(_jobs.queue, project))
        return await self._all(query)

    async def _one(self, query: Select[Any]) -> Row | None:
        async with self.engine.connect() as connection:
            found: Row | None = (await connection.execute(query)).mappings().first()
        return found

    async def _all(self, query: Select[Any]) -> Sequence[Row]:
        async with self.engine.connect() as connection:
            found: Sequence[Row] = (await connection.execute(query)).mappings().all()
        return found
