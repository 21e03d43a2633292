"""Certificates of a throw-away authority, and TLS in front of a server that speaks none."""

import asyncio
import shutil
import ssl
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

_CHUNK = 65_536
_POSTGRES_ASKS = 8  # bytes of a request for TLS


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority, and a certificate of it for 127.0.0.1, of servers and clients alike."""

    ca: Path
    cert: Path
    key: Path


def made_certificates(directory: Path) -> Certificates:
    """Make them with the program openssl.

    Raises:
        FileNotFoundError: there is no openssl here.
    """
    program = shutil.which("openssl")
    if program is None:
        raise FileNotFoundError("no openssl: install it")
    directory.mkdir(parents=True, exist_ok=True)
    found = Certificates(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    ca_key, extensions = directory / "ca.key", directory / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority = ("-keyout", str(ca_key), "-out", str(found.ca))
    request = ("-keyout", str(found.key), "-out", str(directory / "request"))
    signed = ("-CA", str(found.ca), "-CAkey", str(ca_key), "-CAcreateserial")
    for command in (
        ("req", "-x509", *curve, "-days", "2", "-subj", "/CN=authority", *authority),
        ("req", *curve, "-subj", "/CN=localhost", *request),
        ("x509", "-req", "-in", request[-1], *signed, "-days", "2", "-out", str(found.cert),
         "-extfile", str(extensions)),
    ):  # fmt: skip
        subprocess.run([program, *command], check=True, capture_output=True)  # noqa: S603
    return found


@contextmanager
def tls_in_front(port: int, certificates: Certificates, *, asks: bool = False) -> Iterator[int]:
    """Listen with TLS and hand on what comes to `port`; yields where it listens.

    `asks`: clients first ask whether there is TLS, as those of PostgreSQL do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if asks:
                await reader.readexactly(_POSTGRES_ASKS)
                writer.write(b"S")
                await writer.drain()
            await writer.start_tls(context)
            inside = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pump(reader, inside[1]), _pump(inside[0], writer))

    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(handle, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
