"""The broker enforces the table of ownership: real server and adapters, every user's own login."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.errors import Error as NatsError

from evenflow.cli.launcher.permissions import FACTS, OUTSIDER, Permissions, permissions
from evenflow.cli.launcher.servers import nats_config
from evenflow.common.adapters.log.shard_log import BrokerAccess, open_log_to_read, open_shard_log
from evenflow.common.adapters.nats.connection import Credentials, NatsConnection, connect
from evenflow.common.adapters.nats.fence import prove_fence
from evenflow.common.adapters.nats.stream_names import access_bucket, log_stream
from evenflow.common.contracts.subjects import (
    KINDS,
    health_subject,
    question_subject,
    request_subject,
)
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.testing.servers.nats import NatsServer

pytestmark = pytest.mark.integration

SHARD = "lab"
LOG_MAX_BYTES = 10 * 2**30
FIVE = sorted(FACTS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    directory = tmp_path_factory.mktemp("nats")
    users = {name: (f"pw-{name}", granted) for name, granted in permissions(SHARD).items()}
    server = NatsServer(directory)
    text = nats_config(
        server_name="test",
        port=server.port,
        store=directory / "jetstream",
        log_max_bytes=LOG_MAX_BYTES,
        users=users,
    )
    whole = Path(directory / "whole.conf")
    whole.write_text(text)
    server._extra_config = f'# jetstream\ninclude "{whole.name}"'
    server.start()
    yield server
    server.kill()


def access(server: NatsServer, user: str) -> BrokerAccess:
    return BrokerAccess(
        url=server.url,
        shard=SHARD,
        name=user,
        user=user,
        password=f"pw-{user}",
        max_bytes=LOG_MAX_BYTES,
    )


@pytest.fixture
async def outsider(server: NatsServer) -> AsyncIterator[NatsConnection]:
    async with open_shard_log(access(server, "gateway")):
        pass  # whoever comes first makes the streams; an outsider may not
    connection = await connect(server.url, Credentials(OUTSIDER, "pw-client"), name="outsider")
    yield connection
    await connection.close()


async def is_stored(connection: NatsConnection, subject: str) -> bool:
    try:
        await connection.client.jetstream(timeout=0.3).publish(subject, b"{}")
    except (NatsError, TimeoutError):
        return False  # the broker drops it; the publisher waits in vain
    return True


def is_allowed(granted: Permissions, subject: str) -> bool:
    def matches(pattern: str) -> bool:
        wanted, given = pattern.split("."), subject.split(".")
        if wanted[-1] == ">":
            wanted, given = wanted[:-1], given[: len(wanted) - 1]
        return len(wanted) == len(given) and all(
            token in ("*", part) for token, part in zip(wanted, given, strict=True)
        )

    return any(map(matches, granted.publish)) and not any(map(matches, granted.deny_publish))


def test_every_fact_has_a_writer_and_decisions_have_one() -> None:
    users = permissions(SHARD)
    for kind in KINDS:
        subject = f"evenflow.v1.{SHARD}.{kind}"
        writers = {name for name, granted in users.items() if is_allowed(granted, subject)}
        assert writers, f"nobody may write {kind}"
        assert OUTSIDER not in writers
        if kind.endswith(".decided"):
            assert writers == {"policy-engine"}
        if kind.startswith("nodes."):
            assert writers == {"gateway"}, "operators speak through the gateway"


def test_nobody_may_drop_the_log() -> None:
    for granted in permissions(SHARD).values():
        for verb in ("DELETE", "PURGE"):
            name = log_stream(SHARD)
            assert not is_allowed(granted, f"$JS.API.STREAM.{verb}.{name}")


@pytest.mark.parametrize("user", FIVE)
async def test_a_service_can_do_its_whole_work_with_its_own_login(
    server: NatsServer, user: str
) -> None:
    async with open_shard_log(access(server, user)) as log:
        kinds = [kind for kind in KINDS if is_allowed(permissions(SHARD)[user], of(kind))]
        assert kinds
        for kind in kinds:
            assert await is_stored(log.connection, of(kind)), kind
        reader = await log.open_reader(0)
        assert (await anext(aiter(reader))) is not None
        await log.checkpoints.save(1, b"state")
        await log.checkpoints.save(2, b"state")
        assert [number async for number, _ in log.checkpoints.newest()] == [2, 1]
        lease = log.lease(user, "test")
        await lease.acquire()
        await lease.release()
        await log.publish(health_subject(SHARD, user), b"{}")
        if user in {"policy-engine", "usage-aggregator", "binder"}:
            await prove_fence(log.connection.js)


@pytest.mark.parametrize("user", [*FIVE, OUTSIDER])
async def test_facts_of_others_are_refused_by_the_broker(server: NatsServer, user: str) -> None:
    async with open_shard_log(access(server, "gateway")):
        pass
    connection = await connect(server.url, Credentials(user, f"pw-{user}"), name=user)
    foreign = [kind for kind in KINDS if not is_allowed(permissions(SHARD)[user], of(kind))]
    refused = [kind for kind in foreign[:4] if not await is_stored(connection, of(kind))]
    await connection.close()
    assert foreign
    assert refused == foreign[:4]


@pytest.mark.parametrize("user", [*FIVE, OUTSIDER])
def test_only_the_gateway_uses_the_bucket_of_access(user: str) -> None:
    stream = f"KV_{access_bucket(SHARD)}"
    granted = permissions(SHARD)[user]
    used = [
        f"$KV.{access_bucket(SHARD)}.token.a",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.x.y",
    ]
    assert [is_allowed(granted, subject) for subject in used] == [user == "gateway"] * len(used)
    assert not is_allowed(granted, f"$JS.API.STREAM.DELETE.{stream}")
    assert not is_allowed(granted, f"$JS.API.STREAM.PURGE.{stream}")


def test_clients_ask_the_gateway_and_no_other_service() -> None:
    question = question_subject(SHARD, "jobs", "logs")
    assert not is_allowed(permissions(SHARD)[OUTSIDER], question)
    assert is_allowed(permissions(SHARD)["gateway"], question)


async def test_an_outsider_asks_and_is_answered(
    server: NatsServer, outsider: NatsConnection
) -> None:
    subject = request_subject(SHARD, "jobs", "submit")
    async with open_shard_log(access(server, "gateway")) as log:

        async def answer(message: object) -> None:
            await message.respond(b"accepted")  # type: ignore[attr-defined]

        await log.connection.client.subscribe(subject, cb=answer)
        for _ in range(2):  # nats-py sends the ping of a flush ahead of a waiting subscription
            await log.connection.client.flush()
        reply = await outsider.client.request(subject, b"{}", timeout=5)
    assert reply.data == b"accepted"


async def test_an_outsider_reads_the_log(server: NatsServer, outsider: NatsConnection) -> None:
    async with open_shard_log(access(server, "gateway")) as log:
        assert await is_stored(log.connection, of("queues.defined"))
    subscription = await outsider.js.subscribe(
        of("queues.defined"), stream=log_stream(SHARD), ordered_consumer=True
    )
    assert (await subscription.next_msg(timeout=5)).subject == of("queues.defined")
    await subscription.unsubscribe()


async def test_an_outsider_reads_checkpoints_and_makes_none(server: NatsServer) -> None:
    async with open_shard_log(access(server, "policy-engine")) as log:
        await log.checkpoints.save(7, b"state")
    async with open_log_to_read(access(server, OUTSIDER)) as log:
        found = {sequence: data async for sequence, data in log.checkpoints.newest()}
        assert found[7] == b"state"
        assert 7 not in {sequence async for sequence, _ in log.checkpoints.newest(at_most=6)}
        with pytest.raises((TemporarilyUnavailable, NatsError, TimeoutError)):
            async with asyncio.timeout(3):
                await log.checkpoints.save(8, b"forged")


def of(kind: str) -> str:
    return f"evenflow.v1.{SHARD}.{kind}"
