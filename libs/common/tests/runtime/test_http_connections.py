"""Clients that hold a server's connections: too many, too slow, too large, or never reading."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.common.runtime.http.connections import ConnectionLimits
from evenflow.common.runtime.http.server import serving
from evenflow.common.testing.servers.tls import made_certificates

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
Serve = Callable[..., Any]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer much to `/much`, whom it takes for the client to the rest."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(300 if scope["path"] == "/much" else 0):
        await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
    told = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.body", "body": told})


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(tls: ssl.SSLContext | None = None, **limits: Any) -> int:
            url = await stack.enter_async_context(
                serving(
                    app,
                    "127.0.0.1",
                    0,
                    drain_seconds=1,
                    limits=ConnectionLimits(**limits),
                    tls=tls,
                )
            )
            return httpx.URL(url).port or 0

        yield start


async def said(port: int, sent: bytes, seconds: float = 5) -> bytes:
    """Return all that the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET, GET + b"X-A: 1\r\n"])
async def test_a_head_that_is_not_whole_in_time_is_a_408(serve: Serve, sent: bytes) -> None:
    port = await serve(head_seconds=0.3)
    assert b" 408 " in (await said(port, sent))[:20]


async def test_a_drip_of_headers_is_no_way_around(serve: Serve) -> None:
    port = await serve(head_seconds=0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read(100))
    writer.write(GET)
    for n in range(30):
        if answer.done():
            break
        writer.write(f"X-{n}: 1\r\n".encode())
        await asyncio.sleep(0.1)
    assert b" 408 " in await asyncio.wait_for(answer, 1)
    writer.close()


async def test_a_second_head_on_a_kept_connection_is_timed_as_well(serve: Serve) -> None:
    port = await serve(head_seconds=0.4)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET + b"\r\n")
    await reader.readuntil(b"127.0.0.1")
    writer.write(GET)
    assert b" 408 " in await asyncio.wait_for(reader.read(), 3)
    writer.close()


async def test_a_head_without_end_is_a_431(serve: Serve) -> None:
    port = await serve(head_bytes=10_000)
    assert b" 431 " in (await said(port, GET + b"X: " + b"a" * 20_000))[:20]


async def test_connections_are_bounded_by_peer_and_in_all_and_come_back(serve: Serve) -> None:
    for limits in ({"total": 3}, {"of_a_peer": 3}):
        port = await serve(**limits)
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.05)
        refused = await said(port, GET + b"\r\n")
        assert b" 503 " in refused[:20]
        assert b"Retry-After: 1" in refused
        held[0][1].close()
        await asyncio.sleep(0.1)
        assert b" 200 " in (await said(port, GET + b"Connection: close\r\n\r\n"))[:20]
        for _, writer in held:
            writer.close()


async def test_who_does_not_read_is_cut_off(serve: Serve) -> None:
    port = await serve(stalled_seconds=0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**10)
    writer.write(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(1.5)
    size = 0
    with suppress(ConnectionResetError):
        while data := await asyncio.wait_for(reader.read(2**20), 5):
            size += len(data)
    assert size < 25_000_000, "the rest was not kept for it"
    writer.close()


async def test_only_named_proxies_are_believed_for_whom_they_ask(serve: Serve) -> None:
    told = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    async with httpx.AsyncClient(trust_env=False) as http:
        port = await serve()
        assert (await http.get(f"http://127.0.0.1:{port}/", headers=told)).text == "http 127.0.0.1"
        port = await serve(proxies=(ip_network("127.0.0.0/8"),), of_a_peer=1)
        answers = [await http.get(f"http://127.0.0.1:{port}/", headers=told) for _ in range(2)]
        assert {answer.text for answer in answers} == {"https 203.0.113.7"}
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert b" 200 " in await said(port, GET + b"Connection: close\r\n\r\n")
        for _, writer in held:
            writer.close()


async def test_tls_is_spoken_with_the_same_bounds(serve: Serve, tmp_path: Path) -> None:
    made = made_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    port = await serve(context, of_a_peer=1)
    trusted = ssl.create_default_context(cafile=str(made.ca))
    async with httpx.AsyncClient(verify=trusted, trust_env=False) as http:
        answer = await http.get(f"https://127.0.0.1:{port}/")
        assert answer.text == "https 127.0.0.1"
        with pytest.raises(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False) as stranger:
                await stranger.get(f"https://127.0.0.1:{port}/")
