"""PostgreSQL behind TLS: what the URL of the database says of it is obeyed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.testing.servers.postgres import PostgresServer, postgres_server
from evenflow.common.testing.servers.tls import Certificates, made_certificates, tls_in_front
from evenflow.gateway.view.database.engine import make_engine

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def url(certificates: Certificates) -> Iterator[str]:
    with postgres_server() as server, tls_in_front(server.port, certificates, asks=True) as port:
        yield database_behind(server, port)


def database_behind(server: PostgresServer, port: int) -> str:
    return server.new_database().replace(f":{server.port}/", f":{port}/")


async def answer(url: str) -> int:
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return int((await connection.execute(text("select 7"))).scalar_one())
    finally:
        await engine.dispose()


async def test_the_authority_of_the_url_is_trusted(url: str, certificates: Certificates) -> None:
    assert await answer(f"{url}?sslmode=verify-full&sslrootcert={certificates.ca}") == 7
    assert await answer(f"{url}?sslmode=require") == 7


async def test_a_server_of_another_authority_is_refused(url: str) -> None:
    with pytest.raises(OSError, match="certificate"):
        await answer(f"{url}?sslmode=verify-full")


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("?sslmode=sometimes", "sslmode must be one of"),
        ("?sslmode=verify-full&sslrootcert=/no/such.pem", "sslrootcert cannot be read"),
        ("?sslmode=require&sslrootcert=/no/such.pem", "else nobody reads it"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_without_the_password(said: str, rule: str) -> None:
    with pytest.raises(InvalidValue, match=rule) as raised:
        make_engine(f"postgresql+asyncpg://u:hidden@127.0.0.1:5/db{said}")
    assert "hidden" not in str(raised.value)


def test_sqlite_has_no_tls(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue):
        make_engine(f"sqlite+aiosqlite:///{tmp_path}/view.db?sslmode=require")
