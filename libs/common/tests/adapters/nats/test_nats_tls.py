"""TLS, certificates of clients and credentials files, each against a real server."""

import asyncio
import base64
import hashlib
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import nkeys  # type: ignore[import-untyped]
import pytest
from nats.errors import Error as NatsError

from evenflow.common.adapters.log.shard_log import BrokerAccess, open_shard_log
from evenflow.common.adapters.nats.connection import shown_url
from evenflow.common.domain.errors import AccessDenied, TemporarilyUnavailable
from evenflow.common.runtime.broker import broker_access
from evenflow.common.runtime.edge_broker import edge_broker
from evenflow.common.runtime.settings import load
from evenflow.common.testing.servers.nats import NatsServer, free_port, nats_server, provisioned
from evenflow.common.testing.servers.tls import Certificates, made_certificates

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return made_certificates(tmp_path_factory.mktemp("tls"))


def tls(certificates: Certificates, *, mutual: bool) -> str:
    files = {"cert_file": certificates.cert, "key_file": certificates.key}
    if mutual:
        files["ca_file"] = certificates.ca
    lines = [f'{name}: "{path}"' for name, path in files.items()]
    return "tls { " + "; ".join([*lines, f"verify: {str(mutual).lower()}"]) + " }"


async def test_a_service_speaks_tls_and_trusts_its_own_authority_alone(certificates):
    with nats_server(extra_config=tls(certificates, mutual=False), shards=()) as server:
        url = server.url.replace("nats://", "tls://")
        provisioned(url, "main", ca_file=certificates.ca)
        async with open_shard_log(BrokerAccess(url, "main", "t", ca_file=certificates.ca)) as log:
            assert log.log_id
        with pytest.raises(AccessDenied, match=r"nats\.ca_file"):
            await BrokerAccess(url, "main", "t").connect()


async def test_a_server_may_demand_a_certificate_of_ours(certificates):
    with nats_server(extra_config=tls(certificates, mutual=True), shards=()) as server:
        settings = load(
            environ={
                "EVENFLOW_NATS__URL": server.url.replace("nats://", "tls://"),
                "EVENFLOW_NATS__CA_FILE": str(certificates.ca),
                "EVENFLOW_NATS__CERT_FILE": str(certificates.cert),
                "EVENFLOW_NATS__KEY_FILE": str(certificates.key),
            },
            dotenv=None,
        )
        access = broker_access(settings, "t")
        await (await access.connect()).close()
        broker = edge_broker(settings.nats, "t-edge")
        await broker.connect()
        assert await broker.ping(timeout=5)
        await broker.stop()
        with pytest.raises((AccessDenied, TemporarilyUnavailable)):
            await BrokerAccess(access.url, "main", "t", ca_file=certificates.ca).connect()


async def test_files_that_cannot_be_used_are_named(tmp_path):
    missing = tmp_path / "none.pem"
    with pytest.raises(AccessDenied, match=r"nats\.ca_file .*none\.pem"):
        await BrokerAccess("tls://127.0.0.1:1", "main", "t", ca_file=missing).connect()
    with pytest.raises(AccessDenied, match=r"nats\.credentials_file .*none\.pem"):
        await BrokerAccess("nats://127.0.0.1:1", "main", "t", credentials_file=missing).connect()


async def test_a_credentials_file_logs_in(tmp_path):
    server_config, credentials = an_operator(tmp_path)
    server = NatsServer(tmp_path, extra_config=server_config)
    server.start()
    try:
        settings = load(
            environ={
                "EVENFLOW_NATS__URL": server.url,
                "EVENFLOW_NATS__CREDENTIALS_FILE": str(credentials),
            },
            dotenv=None,
        )
        provisioned(server.url, "main", credentials_file=credentials)
        async with open_shard_log(broker_access(settings, "t")) as log:
            assert log.log_id
        broker = edge_broker(settings.nats, "t-edge")
        await broker.connect()
        assert await broker.ping(timeout=5)
        await broker.stop()
        with pytest.raises(AccessDenied):
            await BrokerAccess(server.url, "main", "t").connect()
    finally:
        server.kill()


async def test_one_try_takes_as_long_as_the_settings_say():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"nats://127.0.0.1:{silent.getsockname()[1]}"
        access = BrokerAccess(url, "main", "t", connect_timeout_seconds=0.2)
        began = time.monotonic()
        tries = 0
        connecting = asyncio.create_task(access.connect())
        silent.settimeout(0)
        while time.monotonic() - began < 2 and tries < 3:
            await asyncio.sleep(0.02)
            try:
                silent.accept()
            except BlockingIOError:
                continue
            tries += 1
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
    assert tries == 3, "each try of 0.2 s is followed by another"


async def test_replicas_reach_the_streams_of_a_cluster(tmp_path):
    ports = [(free_port(), free_port()) for _ in range(3)]
    routes = ", ".join(f'"nats://127.0.0.1:{route}"' for _, route in ports)
    servers = []
    for number, (_, route) in enumerate(ports):
        directory = tmp_path / f"s{number}"
        directory.mkdir()
        cluster = f'cluster {{ name: c, listen: "127.0.0.1:{route}", routes: [{routes}] }}'
        server = NatsServer(directory, extra_config=f"server_name: s{number}\n{cluster}")
        server.start()
        servers.append(server)
    try:
        url = ",".join(server.url for server in servers)
        access = BrokerAccess(url, "main", "t", replicas=3)
        await a_leader(access)
        await asyncio.to_thread(provisioned, url, "main", replicas=3)
        servers[0].kill()
        async with asyncio.timeout(30):
            assert await replicas_after_a_save(access) == 3
    finally:
        for server in servers:
            server.kill()


async def a_leader(access: BrokerAccess) -> None:
    connection = await access.connect()
    async with asyncio.timeout(20):
        while True:
            try:
                await connection.js.account_info()
            except Exception:  # noqa: BLE001 - whatever it says: it is not there yet
                await asyncio.sleep(0.1)
            else:
                break
    await connection.close()


async def replicas_after_a_save(access: BrokerAccess) -> int:
    while True:  # until the streams have leaders again
        with suppress(TemporarilyUnavailable, NatsError):
            async with open_shard_log(access) as log:
                await log.checkpoints.save(1, b"state")
                info = await log.connection.js.stream_info("EVENFLOW_main")
                return info.config.num_replicas or 1
        await asyncio.sleep(0.1)


def test_what_is_shown_of_a_url_holds_no_secret():
    assert shown_url("nats://s3cret@h:1, tls://u:pw@k:2") == "nats://h:1,tls://k:2"


def an_operator(directory: Path) -> tuple[str, Path]:
    """Return a server's configuration by JWT, and a credentials file of one user."""
    pairs = {
        kind: nkeys.from_seed(nkeys.encode_seed(os.urandom(32), prefix))
        for kind, prefix in (
            ("operator", nkeys.PREFIX_BYTE_OPERATOR),
            ("account", nkeys.PREFIX_BYTE_ACCOUNT),
            ("system", nkeys.PREFIX_BYTE_ACCOUNT),
            ("user", nkeys.PREFIX_BYTE_USER),
        )
    }
    names = {kind: pair.public_key.decode() for kind, pair in pairs.items()}
    store = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    limits = {**limits_of(), **store}
    operator = _jwt(pairs["operator"], names["operator"], {"type": "operator"})
    account = _jwt(pairs["operator"], names["account"], {"type": "account", "limits": limits})
    # A server with operators wants an account of its own before it has JetStream.
    system = _jwt(pairs["operator"], names["system"], {"type": "account", "limits": limits_of()})
    free = {"type": "user", "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}}
    user = _jwt(pairs["account"], names["user"], free)
    path = directory / "user.creds"
    path.write_text(
        f"-----BEGIN NATS USER JWT-----\n{user}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{pairs['user'].seed.decode()}\n"
        "------END USER NKEY SEED------\n"
    )
    known = f'{names["account"]}: "{account}", {names["system"]}: "{system}"'
    resolver = f"resolver: MEMORY\nresolver_preload: {{ {known} }}"
    return f'operator: "{operator}"\nsystem_account: {names["system"]}\n{resolver}', path


def limits_of() -> dict[str, object]:
    numbers = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
    return {**dict.fromkeys(numbers, -1), "wildcards": True}


def _jwt(signer, subject: str, nats: dict) -> str:
    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {
        "iat": int(time.time()),
        "iss": signer.public_key.decode(),
        "name": nats["type"],
        "sub": subject,
        "nats": {**nats, "version": 2},
    }
    claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode()
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    body = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{body}.{encoded(signer.sign(body.encode()))}"
