"""Every login tries every verb of the broker: what is not its own is refused, and nothing moves.

What each may do is said here by hand, in a few lines a login, and compared with what the broker
allows; then come the ways round: reply subjects, consumers that deliver elsewhere, republish.
"""

import asyncio
import json
from collections.abc import Iterator
from itertools import product

import pytest
from nats.errors import Error as NatsError

from evenflow.common.adapters.log.cursors import Cursor
from evenflow.common.adapters.log.shard_log import open_log_to_read, open_shard_log
from evenflow.common.adapters.nats.accounts.identities import (
    CLIENT,
    IDENTITIES,
    PROVISIONER,
    READER,
    REQUESTER,
    SERVICES,
)
from evenflow.common.adapters.nats.accounts.stores import kept
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX
from evenflow.common.contracts.subjects import KINDS
from evenflow.common.runtime.edge_broker import as_it_is
from evenflow.common.testing.servers.nats import NatsServer
from tests.security.broker import SHARD, a_broker, access, held, logged_in, settled

pytestmark = pytest.mark.integration

LOG, SAMPLES, DEAD = f"EVENFLOW_{SHARD}", f"EVENFLOW_{SHARD}_samples", f"EVENFLOW_{SHARD}_DEAD"
LEASES, CURSORS, ACCESS = (f"KV_EVENFLOW_{SHARD}_{n}" for n in ("leases", "cursors", "access"))
OBJECTS = f"OBJ_EVENFLOW_{SHARD}_checkpoints"
STREAMS = [store.stream for store in kept(SHARD)]

# Every verb of JetStream's API (nats-server 2.15), `{}` being a stream.
VERBS = (
    "INFO", "ACCOUNT.PURGE.X", "SERVER.REMOVE", "META.LEADER.STEPDOWN",
    "STREAM.NAMES", "STREAM.LIST", "STREAM.CREATE.{}", "STREAM.UPDATE.{}", "STREAM.INFO.{}",
    "STREAM.DELETE.{}", "STREAM.PURGE.{}", "STREAM.MSG.GET.{}", "STREAM.MSG.DELETE.{}",
    "STREAM.SNAPSHOT.{}", "STREAM.RESTORE.{}", "STREAM.PEER.REMOVE.{}",
    "STREAM.LEADER.STEPDOWN.{}", "DIRECT.GET.{}", "DIRECT.GET.{}.x.y",
    "CONSUMER.CREATE.{}", "CONSUMER.CREATE.{}.c", "CONSUMER.CREATE.{}.c.x.y",
    "CONSUMER.DURABLE.CREATE.{}.c", "CONSUMER.DELETE.{}.c", "CONSUMER.INFO.{}.c",
    "CONSUMER.LIST.{}", "CONSUMER.NAMES.{}", "CONSUMER.MSG.NEXT.{}.c", "CONSUMER.PAUSE.{}.c",
    "CONSUMER.RESET.{}.c", "CONSUMER.UNPIN.{}.c", "CONSUMER.LEADER.STEPDOWN.{}.c",
)  # fmt: skip
LOOK = {"STREAM.INFO.{}", "STREAM.MSG.GET.{}", "DIRECT.GET.{}", "DIRECT.GET.{}.x.y"}
FOLLOW = {
    "CONSUMER.CREATE.{}", "CONSUMER.CREATE.{}.c", "CONSUMER.CREATE.{}.c.x.y",
    "CONSUMER.DELETE.{}.c", "CONSUMER.INFO.{}.c",
}  # fmt: skip
PAST = {(verb, stream) for verb in LOOK | FOLLOW for stream in (LOG, SAMPLES, OBJECTS)}
SERVICE = (
    PAST
    | {(verb, s) for verb in LOOK for s in (DEAD, LEASES, CURSORS)}
    | {(verb, CURSORS) for verb in FOLLOW}
)
MAY_ASK: dict[str, set[tuple[str, str]]] = {
    PROVISIONER: {(f"STREAM.{v}.{{}}", s) for v in ("INFO", "CREATE", "UPDATE") for s in STREAMS},
    "gateway": SERVICE | {(verb, ACCESS) for verb in LOOK | FOLLOW},
    "exporter": SERVICE | {("STREAM.PURGE.{}", OBJECTS)},
    "usage-aggregator": SERVICE,
    "policy-engine": SERVICE | {("STREAM.PURGE.{}", OBJECTS), ("STREAM.PURGE.{}", LOG)},
    "binder": SERVICE,
    READER: PAST,
    CLIENT: set(),
    REQUESTER: set(),
}
WRITES = {
    "gateway": ("jobs", "queues", "quotas.set", "quotas.alerted", "nodes", "clock.set",
                "reservations", "variants", "access", "log"),
    "exporter": ("cluster.observed", "usage.sampled", "load.measured", "replicas.measured",
                 "jobs.submitted"),
    "usage-aggregator": ("usage.snapshot-taken", "costs.learned"),
    "policy-engine": ("settings.set", "admission.completed"),
    "binder": ("runs.reported", "scale.reported", "quotas.synced"),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with a_broker(tmp_path_factory.mktemp("nats")) as running:
        yield running


def fact(kind: str) -> str:
    return f"evenflow.v1.{SHARD}.{kind}"


FACTS = [fact(kind) for kind in KINDS]
KEYS = [f"$KV.EVENFLOW_{SHARD}_{bucket}.k" for bucket in ("leases", "cursors", "access")]
OTHERS = [
    f"$O.EVENFLOW_{SHARD}_checkpoints.M.eA==",
    f"$O.EVENFLOW_{SHARD}_checkpoints.C.x",
    f"evenflow.v1.dead.{SHARD}.gateway",
]
STORED = [*FACTS, *KEYS, *OTHERS]


def writes(user: str, kind: str) -> bool:
    if kind.endswith(".decided"):
        return user == "policy-engine"
    return any(kind == own or kind.startswith(f"{own}.") for own in WRITES.get(user, ()))


def may_publish(user: str, subject: str) -> bool:
    kind = subject.removeprefix(f"evenflow.v1.{SHARD}.")
    if subject in FACTS:
        return writes(user, kind)
    if user not in SERVICES:
        return False
    if "_access." in subject:
        return user == "gateway"
    if subject.startswith("$O."):
        return user in ("policy-engine", "exporter")
    if subject.startswith("evenflow.v1.dead."):
        return subject.endswith(f".{user}")
    return subject.startswith("$KV.")


@pytest.mark.parametrize("user", IDENTITIES)
async def test_a_login_may_ask_for_its_verbs_and_for_no_other(
    server: NatsServer, user: str
) -> None:
    asked = {
        f"{prefix}.{verb.format(stream)}": prefix == API_PREFIX and (verb, stream) in MAY_ASK[user]
        for prefix, verb, stream in product((API_PREFIX, "$JS.API"), VERBS, [*STREAMS, "red"])
    }
    before = await held(server)
    async with logged_in(server, user) as login:
        foreign = [subject for subject, own in asked.items() if not own]
        forbidden = [(subject, _evil(subject), "_INBOX.x") for subject in foreign]
        refused = await login.refusals(forbidden)
        assert set(foreign) - refused == set()
        # Asked with a body that nobody can read: what is allowed is answered, and does nothing.
        allowed = [(s, b"{", "_INBOX.x") for s, own in asked.items() if own and "PURGE" not in s]
        assert await login.refusals(allowed) == set()
    assert await held(server) == before


@pytest.mark.parametrize("user", IDENTITIES)
async def test_a_login_publishes_what_is_its_own_and_nothing_else(
    server: NatsServer, user: str
) -> None:
    inside = [
        f"evenflow.v1.ask.{SHARD}.{name}" for name in ("jobs.logs", "jobs.explain", "usage.show")
    ]
    more = [
        *(f"$JS.ACK.{stream}.c.1.1.1.1.1" for stream in STREAMS),
        *(f"evenflow.v1.health.{SHARD}.{service}" for service in SERVICES if service != user),
        *(inside if user != "gateway" else ()),
        *((f"evenflow.v1.cmd.{SHARD}.jobs.submit",) if user not in (CLIENT, REQUESTER) else ()),
        f"evenflow.v1.{SHARD}.no-such.fact",
        "evenflow.v1.proof.other.x",
        "$SYS.REQ.SERVER.PING",
    ]
    foreign = [s for s in STORED if not may_publish(user, s)] + more
    own = [s for s in STORED if may_publish(user, s)]
    before = await held(server)
    async with logged_in(server, user) as login:
        assert set(foreign) - await login.refusals([(s, b"x", "") for s in foreign]) == set()
        assert await held(server) == before
        assert await login.refusals([(s, b"{}", "") for s in own]) == set()
        await asyncio.sleep(0.05)
    assert _new(before, await held(server)) == set(own)


@pytest.mark.parametrize("user", IDENTITIES)
async def test_no_reply_subject_takes_an_answer_into_a_stream(
    server: NatsServer, user: str
) -> None:
    verbs = [
        f"{API_PREFIX}.{verb.format(stream)}"
        for verb, stream in MAY_ASK[user]
        if not verb.startswith(("STREAM.PURGE", "CONSUMER.DELETE", "STREAM.UPDATE"))
    ]
    own = [fact(kind) for kind in KINDS if writes(user, kind)][:3]
    requests = [f"evenflow.v1.cmd.{SHARD}.jobs.submit"] if user in (CLIENT, REQUESTER) else []
    before = await held(server)
    async with logged_in(server, "gateway") as gateway, logged_in(server, user) as login:

        async def answer(message: object) -> None:
            await message.respond(b"an answer")  # type: ignore[attr-defined]

        await gateway.client.subscribe(f"evenflow.v1.cmd.{SHARD}.>", cb=answer)
        await gateway.client.flush()
        for subject in (*verbs, *own, *requests):
            body = _honest(subject)
            await login.refusals([(subject, body, reply) for reply in STORED])
    # The broker takes an answer where the login could have written itself, and nowhere else.
    assert _new(before, await settled(server)) <= {s for s in STORED if may_publish(user, s)}


@pytest.mark.parametrize("user", ["gateway", "policy-engine", "binder", READER])
async def test_no_consumer_delivers_into_a_stream_or_to_the_brokers_api(
    server: NatsServer, user: str
) -> None:
    async with (
        logged_in(server, "gateway") as gateway,
        logged_in(server, "policy-engine") as engine,
    ):
        await gateway.client.publish(fact("jobs.submitted"), b'{"forged": true}')
        await gateway.client.publish(KEYS[1], b"{}")
        await gateway.client.publish(KEYS[2], b"{}")
        await engine.client.publish(OTHERS[0], b"{}")
        await gateway.client.flush()
        await engine.client.flush()
    await asyncio.sleep(0.1)
    api = [f"{prefix}.STREAM.PURGE.{LOG}" for prefix in ("$JS.API", API_PREFIX)]
    before = await held(server)
    async with logged_in(server, user) as login:
        for verb, stream in MAY_ASK[user]:
            if verb == "CONSUMER.CREATE.{}":
                for target in (*STORED, *api):
                    config = {"deliver_subject": target, "ack_policy": "none"}
                    body = json.dumps({"stream_name": stream, "config": config}).encode()
                    subject = f"{API_PREFIX}.CONSUMER.CREATE.{stream}"
                    await login.client.publish(subject, body, reply="_INBOX.x")
        await login.client.flush()
        await asyncio.sleep(0.5)
    assert await held(server) == before


@pytest.mark.parametrize("user", SERVICES)
async def test_a_service_does_its_whole_work_with_its_own_login(
    server: NatsServer, user: str
) -> None:
    async with open_shard_log(access(server, user)) as log:
        kind = next(kind for kind in KINDS if writes(user, kind) and fact(kind) in _of_log())
        await log.connection.js.publish(fact(kind), b"{}", stream=LOG)
        reader = await log.open_reader(0)
        assert await anext(aiter(reader.batches()))
        await log.cursors.put(user, Cursor(log.log_id, 1))
        assert await log.cursors.get(user) == Cursor(log.log_id, 1)
        bucket = await log.connection.js.key_value(f"EVENFLOW_{SHARD}_cursors")
        assert user in await bucket.keys()
        lease = log.lease(user, "test")
        await lease.acquire()
        await lease.release()
        await log.publish(f"evenflow.v1.health.{SHARD}.{user}", b"{}")
        if user in ("policy-engine", "exporter"):
            for sequence in range(1, 6):
                await log.checkpoints.save(sequence, b"state" * 100_000)
        assert isinstance([number async for number, _ in log.checkpoints.newest()], list)


async def test_a_reader_reads_the_past_and_a_client_hears_the_present(server: NatsServer) -> None:
    async with logged_in(server, CLIENT) as client, logged_in(server, "gateway") as gateway:
        heard = await client.client.subscribe(f"evenflow.v1.{SHARD}.>")
        await client.client.flush()
        await gateway.client.flush()  # its account knows by now who hears
        await gateway.client.publish(fact("queues.defined"), b"{}")
        await gateway.client.flush()
        assert (await heard.next_msg(timeout=20)).subject == fact("queues.defined")
        with pytest.raises(NatsError):
            await client.client.request(f"{API_PREFIX}.STREAM.INFO.{LOG}", b"", timeout=0.3)
    async with open_log_to_read(access(server, READER)) as log:
        assert (await log.bounds())[1] > 0


async def test_a_login_calls_the_api_by_its_own_name(server: NatsServer) -> None:
    async with open_log_to_read(access(server, READER)) as log:
        subject = f"{log.connection.api_prefix}.STREAM.INFO.{LOG}"
        answer = json.loads((await log.connection.client.request(subject, timeout=2)).data)
    assert log.connection.api_prefix == API_PREFIX
    assert "first_ts" in answer["state"]


async def test_a_requester_hears_no_facts(server: NatsServer) -> None:
    async with logged_in(server, REQUESTER) as login:
        await login.client.subscribe(f"evenflow.v1.{SHARD}.>")
        await login.client.flush()
        await asyncio.sleep(0.05)
        assert "permissions violation for subscription" in "\n".join(login._refused)


async def test_a_service_answers_to_inboxes_alone() -> None:
    class Message:
        body = b"x"

        def __init__(self, reply_to: str) -> None:
            self.reply_to = reply_to

    for reply, kept_as in (
        ("_INBOX.a.b", "_INBOX.a.b"),
        ("_R_.a.b", "_R_.a.b"),
        (fact("runs.reported"), ""),
        ("$KV.x.y", ""),
        ("", ""),
    ):
        message = Message(reply)
        assert await as_it_is(message) == b"x"  # type: ignore[arg-type]
        assert message.reply_to == kept_as


def _of_log() -> list[str]:
    return list(kept(SHARD)[0].subjects)


def _new(before: dict, after: dict) -> set[str]:
    """Return the subjects under which messages came; a key keeps one, so its sequence tells."""
    came = set()
    for stream, one in after.items():
        assert one["config"] == before[stream]["config"], stream
        for subject, count in one["subjects"].items():
            if count != before[stream]["subjects"].get(subject, 0):
                came.add(subject)
        if one["last"] != before[stream]["last"] and stream.startswith(("KV_", "OBJ_")):
            came |= set(one["subjects"])
    return came


def _honest(subject: str) -> bytes:
    if "MSG.GET" in subject or "DIRECT" in subject:
        return b'{"seq": 1}'
    return b"" if "INFO" in subject else b"{}"


def _evil(subject: str) -> bytes:
    stream = next((name for name in [*STREAMS, "red"] if f".{name}" in f"{subject}."), "red")
    name = subject.rpartition(".")[2]
    if "STREAM.CREATE" in subject or "STREAM.UPDATE" in subject:
        republish = {"src": "red.x", "dest": fact("cycle.decided")}
        document: dict = {
            "name": name,
            "subjects": ["red.x"],
            "max_msgs": 1,
            "republish": republish,
        }
        document["sources"] = [{"name": LOG}]
        return json.dumps(document).encode()
    if "CONSUMER" in subject:
        config = {"deliver_subject": fact("runs.reported"), "ack_policy": "none", "name": "c"}
        return json.dumps({"stream_name": stream, "config": config}).encode()
    return b'{"seq": 1}' if "MSG" in subject else b""
