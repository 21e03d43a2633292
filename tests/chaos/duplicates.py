"""A broker that delivers every stored message twice: a proxy between services and nats-server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from evenflow.common.testing.servers.nats import nats_server
from tests.chaos.system import System, a_system

_STORED: Final = b"$JS.ACK."  # the reply subject of what a stream delivers, and of nothing else
_CHUNK: Final = 1 << 16


class Doubler:
    """Forwards bytes both ways; what a stream delivers comes once more, behind the next message.

    So every reader sees each message twice, and the second time late and out of order. At the end
    of what is waiting the last copy follows at once.
    """

    def __init__(self, broker_port: int) -> None:
        """`broker_port` is where the real broker listens on loopback."""
        self.port = 0
        self.doubled = 0
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut all connections."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._broker_port)
        both = [
            asyncio.create_task(_copy(reader, to_broker)),
            asyncio.create_task(self._deliver(from_broker, writer)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for half in both:
                half.cancel()
            for end in (writer, to_broker):
                end.close()
            self._connections.discard(task)

    async def _deliver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy frame by frame. Only MSG and HMSG have a payload; its size is their last word."""
        late = b""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while line := await reader.readuntil(b"\r\n"):
                words = line.split()
                frame = line
                if words and words[0] in (b"MSG", b"HMSG"):
                    frame += await reader.readexactly(int(words[-1]) + 2)
                writer.write(frame + late)
                late = b""
                if len(words) > 4 and words[3].startswith(_STORED):  # has a reply
                    self.doubled += 1
                    late = frame
                    if not reader._buffer:  # type: ignore[attr-defined]  # nothing waits behind it
                        writer.write(late)
                        late = b""
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def a_doubling_system(home: Path, *, config: str) -> AsyncIterator[tuple[System, Doubler]]:
    """A running system on a broker of its own, behind the proxy."""
    with nats_server() as broker:
        doubler = Doubler(broker.port)
        await doubler.open()
        try:
            url = f"nats://127.0.0.1:{doubler.port}"
            async with a_system(home, config=config, EVENFLOW_NATS__URL=url) as system:
                yield system, doubler
        finally:
            await doubler.close()
