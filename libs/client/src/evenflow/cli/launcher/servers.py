"""The embedded servers: their configuration, and whether they answer. Starts nothing."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.ports import LOOPBACK

_PROBE_SECONDS: Final = 1.0
# Besides the log: samples of a window of usage, dead letters, checkpoints.
_ROOM_BESIDE_THE_LOG: Final = 4 * 2**30


def nats_config(
    *,
    server_name: str,
    port: int,
    store: Path,
    log_max_bytes: int,
    accounts: Mapping[str, object],
    sync: str = "always",
) -> str:
    """Return the broker's configuration; `accounts` are those of its shard.

    `sync` is how long what is acknowledged may stay in memory; `always`: not at all.

    The text is JSON, which the broker's configuration language includes.
    """
    jetstream: dict[str, object] = {"store_dir": str(store), "sync_interval": sync}
    if log_max_bytes:
        # Twice: the broker wants room for a whole further log before it says that one exists.
        jetstream["max_file_store"] = 2 * log_max_bytes + _ROOM_BESIDE_THE_LOG
    document = {
        "server_name": server_name,
        "host": LOOPBACK,
        "port": port,
        "jetstream": jetstream,
        # A snapshot of usage is one fact, whole: 10,000 queues of 4 resources are 3 MB.
        "max_payload": 8 * 2**20,
        "accounts": accounts,
    }
    return json.dumps(document, indent=1)


def valkey_config(*, port: int, directory: Path, password: str) -> str:
    """Return the snapshot store's configuration: loopback, a password, an append-only file."""
    return "\n".join(
        (
            f"port {port}",
            f"bind {LOOPBACK}",
            f'dir "{directory}"',
            f"requirepass {password}",
            "protected-mode yes",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        )
    )


async def nats_answers(port: int, server_name: str) -> bool:
    """Whether the broker of that name, and no stranger, listens on the port."""
    line = await _first_line(port, b"")
    if not line.startswith(b"INFO "):
        return False
    return bool(json.loads(line[5:]).get("server_name") == server_name)


async def valkey_answers(port: int, password: str) -> bool:
    """Whether our snapshot store listens there and has loaded its data."""
    request = f"AUTH {password}\r\nPING\r\n".encode()
    return await _first_line(port, request, skip=1) == b"+PONG\r\n"


async def _first_line(port: int, request: bytes, *, skip: int = 0) -> bytes:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=2**20)
            try:
                writer.write(request)
                for _ in range(skip):
                    await reader.readline()
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return b""
