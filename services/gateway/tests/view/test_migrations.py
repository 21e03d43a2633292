"""A database of an earlier version is brought to this one, with what it holds."""

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text

from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.gateway.jobs.documents import job_document
from evenflow.gateway.view import schema
from evenflow.gateway.view.database.engine import make_engine
from evenflow.gateway.view.migrate import MIGRATIONS, upgrade
from evenflow.gateway.view.rows import fresh_row
from evenflow.gateway.view.store import Store

SPEC = JobSpec("1" * 36, "old", "p", "p/q", "u", 7, resources={"gpu": 500}, tasks=3)
NEW_COLUMNS = {"groups_json", "constraints_json", "deadline_at"}


def at_version(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def columns_of(connection: Connection, table: str) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(table)}


def fill(connection: Connection) -> None:
    at_version(connection, "0001")
    assert not NEW_COLUMNS & columns_of(connection, "jobs")
    row = {k: v for k, v in fresh_row(SPEC, None).items() if k not in NEW_COLUMNS}
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO jobs ({names}) VALUES ({values})"), row)  # noqa: S608
    connection.execute(text("INSERT INTO meta VALUES (1, 'log', 5, NULL)"))


@pytest.fixture
async def engine(database_url: Any) -> Any:
    made = make_engine(database_url("view"))
    yield made
    await made.dispose()


async def test_a_view_of_before_groups_keeps_its_jobs_and_its_place(
    engine: Any, database_url: Any
) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    store = Store(database_url("view"), base_every_seconds=9, base_every_facts=9)
    assert await store.open("log", 9) is None
    assert store.cursor.sequence == 5
    async with store.engine.connect() as connection:
        row = (await connection.execute(select(schema.jobs))).mappings().one()
    document = job_document(row)
    assert (document["name"], document["tasks"], document["min_tasks"]) == ("old", 3, 3)
    assert (document["groups"], document["constraints"]) == ([], None)
    assert document["deadline"] is None
    await store.close()


def differences(connection: Connection) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection), schema.metadata)


async def test_the_migrations_make_the_schema_that_the_code_declares_also_when_run_twice(
    engine: Any,
) -> None:
    for _ in range(2):
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
            assert await connection.run_sync(differences) == []
