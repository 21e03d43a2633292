"""A Unix socket that says who connects: by the kernel alone, for as long as its server lives."""

import asyncio
import os
import socket
import stat
import tempfile
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from evenflow.common.adapters.accounts import (
    account_of_uid,
    may_change_account,
    own_account,
)
from evenflow.common.runtime.http.peers import SocketRefused, closed_above, listen_at, serving_peers
from evenflow.common.runtime.http.server import serving
from evenflow.common.testing.other_account import ask_as, known_account


async def who(request):
    peer = getattr(request.state, "peer", None)
    return JSONResponse(None if peer is None else [peer.uid, peer.gid, peer.pid])


APP = Starlette(routes=[Route("/", who)])


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # short, and others may come in
        path = Path(name)
        path.chmod(0o755)
        yield path


async def test_a_request_says_which_process_connected(place):
    path = place / "made" / "gateway.sock"
    async with serving_peers(APP, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport) as client:
            for _ in range(2):  # of one connection, every request
                answer = await client.get("http://localhost/")
                assert answer.json() == [os.getuid(), os.getgid(), os.getpid()]
    assert not path.exists()


async def test_over_tcp_there_is_no_peer_whatever_is_said(place):
    async with serving(APP, "127.0.0.1", 0) as url, httpx.AsyncClient(trust_env=False) as client:
        headers = {"X-Peer": "0", "peer": "0", "state": "peer=0"}
        assert (await client.get(url, headers=headers)).json() is None


@pytest.mark.skipif(not may_change_account(), reason="being another account takes root")
async def test_another_account_is_seen_as_what_it_is(place):
    daemon = known_account("daemon")
    path = place / "gateway.sock"
    headers = {"X-Peer": "0", "State": "peer=0"}
    async with serving_peers(APP, path):
        asked = asyncio.to_thread(ask_as, daemon, str(path), "GET", "/", headers=headers)
        status, (uid, gid, _pid) = await asked
    assert (status, uid, gid) == (200, daemon.uid, daemon.gid)


def test_a_dead_servers_socket_is_replaced_and_everything_else_is_left_alone(place):
    path = place / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    listener, _ = listen_at(path)
    with listener, pytest.raises(SocketRefused, match="another server"):
        listen_at(path)
    path.unlink()
    path.write_text("precious")
    with pytest.raises(SocketRefused, match="something else is there"):
        listen_at(path)
    assert path.read_text() == "precious"


def test_a_directory_that_others_cannot_pass_is_found(place):
    (place / "closed" / "deep").mkdir(parents=True)
    (place / "closed").chmod(0o700)
    assert closed_above(place / "closed" / "deep" / "s.sock") == place / "closed"
    assert closed_above(place / "s.sock") is None


def test_the_number_of_foreign_namespaces_is_nobody():
    overflow = int(Path("/proc/sys/kernel/overflowuid").read_text())
    assert account_of_uid(overflow) is None
    assert account_of_uid(4_000_000_000) is None
    assert account_of_uid(os.geteuid()).name == own_account()
