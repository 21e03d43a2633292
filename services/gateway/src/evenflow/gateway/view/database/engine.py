"""The connection to the view's database, and what its kinds need."""

import asyncio
import ssl
from typing import Any, Final, Protocol

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from evenflow.common.domain.errors import EvenflowError, InvalidValue

FIELD: Final = "gateway.database_url"
_RULE: Final = (
    "must be sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE"
)
_DRIVERS: Final = ("sqlite+aiosqlite", "postgresql+asyncpg")
_TLS: Final = ("sslmode", "sslrootcert")
_TLS_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_NUL_SHOWN: Final = "\N{REPLACEMENT CHARACTER}"


class WritableView(Protocol):
    """A view's database, and the lock that its writers hold."""

    engine: AsyncEngine
    writing: asyncio.Lock


def make_engine(url: str) -> AsyncEngine:
    """Return an engine; nothing is opened before it is used.

    Raises:
        InvalidValue: not the URL of a database that can hold the view.
        EvenflowError: its driver is not installed.
    """
    parsed = _parse(url)
    try:
        # A pooled connection may have been cut by a restart of the server; a file's never is.
        engine = create_async_engine(
            parsed.difference_update_query(_TLS),
            pool_pre_ping=not _is_sqlite(parsed),
            connect_args=_tls(parsed),
        )
    except ModuleNotFoundError as error:
        raise EvenflowError(
            f"{FIELD} {shown_url(parsed)} needs {error.name}, which is not installed: "
            "pip install 'evenflow-gateway[postgres]'"
        ) from error
    prepare = _prepare_sqlite if _is_sqlite(parsed) else _prepare_postgresql
    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def shown_url(url: URL) -> str:
    """Return a URL as it may be told: without its password."""
    return url.render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # What cannot be read may have its password anywhere.
        raise InvalidValue(FIELD, "(not shown)", _RULE) from None
    if parsed.drivername not in _DRIVERS:
        raise InvalidValue(FIELD, shown_url(parsed), _RULE)
    return parsed


def _tls(url: URL) -> dict[str, Any]:
    """Return what asyncpg is told of TLS: `sslmode` and `sslrootcert`, as PostgreSQL names them.

    Raises:
        InvalidValue: an unknown mode, or a file that holds no certificate.
    """
    mode, root = (url.query.get(name) for name in _TLS)
    if mode is None and root is None:
        return {}
    if _is_sqlite(url) or (mode is not None and mode not in _TLS_MODES):
        raise InvalidValue(FIELD, shown_url(url), f"sslmode must be one of {', '.join(_TLS_MODES)}")
    if mode in (None, "verify-ca", "verify-full"):
        try:
            context = ssl.create_default_context(cafile=str(root) if root else None)
        except (OSError, ssl.SSLError) as error:
            rule = f"sslrootcert cannot be read: {error}"
            raise InvalidValue(FIELD, shown_url(url), rule) from error
        context.check_hostname = mode != "verify-ca"
        return {"ssl": context}
    if root is not None:
        rule = "sslrootcert needs sslmode verify-ca or verify-full: else nobody reads it"
        raise InvalidValue(FIELD, shown_url(url), rule)
    return {"ssl": mode}


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # A view may lose its last commits in a power cut: it folds them again.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.run_async(_take_any_text)


async def _take_any_text(driver: Any) -> None:
    """Let text hold U+0000, which PostgreSQL refuses: one such name would stop the fold."""
    for name in ("text", "varchar"):
        await driver.set_type_codec(
            name, schema="pg_catalog", encoder=_without_nul, decoder=str, format="text"
        )


def _without_nul(text: str) -> str:
    return text.replace("\0", _NUL_SHOWN)
