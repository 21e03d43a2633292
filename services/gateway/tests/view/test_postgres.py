"""The view on PostgreSQL where that differs from a file: one writer, lost connections, text."""

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from evenflow.common.domain.errors import EvenflowError, InvalidValue
from evenflow.common.testing.builders import a_spec
from evenflow.gateway.view import schema
from evenflow.gateway.view.database.engine import make_engine
from evenflow.gateway.view.database.writer_lock import take_writer_lock
from evenflow.gateway.view.reads import JobFilter, Reads
from evenflow.gateway.view.rows import fresh_row
from evenflow.gateway.view.store import Store

TEXT_ELSEWHERE = text(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
    "AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C' "
    "AND table_name != 'alembic_version'"
)


@pytest.fixture
def url(postgres: Any) -> str:
    made: str = postgres.new_database()
    return made


@pytest.fixture
async def open_store(url: str) -> Any:
    stores: list[Store] = []

    async def open_one() -> Store:
        store = Store(url, base_every_seconds=9, base_every_facts=9)
        stores.append(store)
        await store.open("log", 0)
        return store

    yield open_one
    for store in stores:
        await store.close()


async def test_a_database_has_one_gateway_and_the_next_one_follows_when_it_is_gone(
    open_store: Any, url: str
) -> None:
    first = await open_store()
    engine = make_engine(url)
    async with engine.connect() as connection:
        with pytest.raises(EvenflowError, match=r"gateway\.database_url .* written by another"):
            await take_writer_lock(connection, wait_seconds=0.2)
        await first.close()
        await take_writer_lock(connection, wait_seconds=0.2)
    await engine.dispose()


async def test_two_gateways_of_two_databases_do_not_hinder_each_other(postgres: Any) -> None:
    stores = [
        Store(postgres.new_database(), base_every_seconds=9, base_every_facts=9) for _ in range(2)
    ]
    for store in stores:
        await store.open("log", 0)
    for store in stores:
        await store.write()
        await store.close()


async def test_who_lost_the_claim_with_its_connection_writes_nothing_more(
    open_store: Any, postgres: Any
) -> None:
    first = await open_store()
    await first.write()
    postgres.kill()
    postgres.start()
    second = await open_store()
    with pytest.raises(DBAPIError):
        await first.write()
    await second.write()


async def test_reading_goes_on_after_the_server_was_away(open_store: Any, postgres: Any) -> None:
    reads = Reads((await open_store()).engine)
    assert await reads.newest(1) == []
    postgres.kill()
    postgres.start()
    assert await reads.newest(1) == []


async def test_every_text_is_compared_by_its_bytes(open_store: Any) -> None:
    store = await open_store()
    async with store.engine.connect() as connection:
        assert (await connection.execute(TEXT_ELSEWHERE)).all() == []


async def test_a_name_that_postgresql_cannot_hold_does_not_stop_the_fold(open_store: Any) -> None:
    store = await open_store()
    async with store.engine.begin() as connection:
        row = fresh_row(a_spec(name="nul\0inside"), None)
        await connection.execute(schema.jobs.insert(), [row])
        found = (await connection.execute(select(schema.jobs.c.name))).scalar_one()
    assert found == "nul\N{REPLACEMENT CHARACTER}inside"
    rows, _ = await Reads(store.engine).jobs(JobFilter(search="\0"), page=1, page_size=9)
    assert [row["name"] for row in rows] == [found]


async def test_a_server_that_is_away_at_the_start_is_named_without_its_password() -> None:
    store = Store(
        "postgresql+asyncpg://u:secret@127.0.0.1:1/d", base_every_seconds=9, base_every_facts=9
    )
    with pytest.raises(EvenflowError, match=r"gateway\.database_url .*127\.0\.0\.1:1") as raised:
        await store.open("log", 0)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "mysql+aiomysql://u:secret@h/d",
        "postgresql://u:secret@h/d",
        "sqlite:///view.db",
        "secret",
        "postgresql+asyncpg://u:secret@h:port/d",
    ],
)
def test_what_cannot_hold_the_view_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(InvalidValue, match=r"postgresql\+asyncpg://") as raised:
        make_engine(url)
    assert raised.value.field == "gateway.database_url"
    assert "secret" not in str(raised.value)


def test_a_missing_driver_is_named_with_what_installs_it() -> None:
    program = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "from evenflow.gateway.view.database.engine import make_engine\n"
        "make_engine('postgresql+asyncpg://u:secret@h/d')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "pip install 'evenflow-gateway[postgres]'" in last
    assert "secret" not in last
