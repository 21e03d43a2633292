"""What each login may publish and subscribe to. What is not named here is refused by the broker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evenflow.common.adapters.nats.accounts import stores
from evenflow.common.adapters.nats.accounts.identities import (
    ANSWERS_CLIENTS,
    ANSWERS_INSIDE,
    CLIENT,
    CUTS_THE_LOG,
    FACTS,
    KEEPS_TOKENS,
    PROVISIONER,
    READER,
    REQUESTER,
    SAVES_CHECKPOINTS,
    SERVICES,
)
from evenflow.common.adapters.nats.accounts.stores import Store
from evenflow.common.adapters.nats.accounts.verbs import (
    API_PREFIX,
    FOLLOW,
    LOOK,
    PROVE,
    PROVISION,
    PURGE,
    of,
)
from evenflow.common.adapters.nats.stream_names import dead_subject

ANSWERS = ("_INBOX.>", "_R_.>")
"""Where answers go: to an inbox, or to what the broker puts in its place between two accounts."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects one login may publish and subscribe to; what is denied wins over what is allowed."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    deny_publish: tuple[str, ...] = ()


def permissions(shard: str) -> dict[str, Permissions]:
    """Return the permissions of every login of a shard's broker."""
    facts = (f"evenflow.v1.{shard}.>", f"evenflow.v1.health.{shard}.>")
    requests = f"evenflow.v1.cmd.{shard}"
    return {
        PROVISIONER: Permissions(tuple(_provisioning(shard)), ("_INBOX.>",)),
        **{name: _of_service(name, shard) for name in SERVICES},
        READER: Permissions(tuple(_past(shard)), ("_INBOX.>",)),
        CLIENT: Permissions((f"{requests}.>",), (*facts, "_INBOX.>")),
        REQUESTER: Permissions((f"{requests}.>",), ("_INBOX.>",)),
    }


def facts_of(service: str, shard: str) -> list[str]:
    """Return the subjects of the facts that a service writes, one by one."""
    declared = (*stores.log(shard).subjects, *stores.samples(shard).subjects)
    patterns = [f"evenflow.v1.{shard}.{fact}" for fact in FACTS[service]]
    return [each for each in declared if any(stores.matches(pattern, each) for pattern in patterns)]


def _of_service(service: str, shard: str) -> Permissions:
    publish = [
        *facts_of(service, shard),
        f"evenflow.v1.health.{shard}.{service}",
        f"{dead_subject(shard)}.{service}",
        *ANSWERS,
        "$JS.FC.>",
        *stores.leases(shard).subjects,
        *stores.cursors(shard).subjects,
        *_past(shard),
        *_api(stores.dead(shard), LOOK),
        *_api(stores.leases(shard), LOOK),
        *_api(stores.cursors(shard), LOOK, FOLLOW),
    ]
    if service in SAVES_CHECKPOINTS:
        # Chunks of dropped checkpoints are purged.
        publish += [
            *stores.checkpoints(shard).subjects,
            *_api(stores.checkpoints(shard), PURGE),
        ]
    if service == CUTS_THE_LOG:
        publish += _api(stores.log(shard), PURGE)
    if service == KEEPS_TOKENS:
        publish += [*stores.access(shard).subjects, *_api(stores.access(shard), LOOK, FOLLOW)]
    inside = {name: f"evenflow.v1.ask.{shard}.{name}" for name in ANSWERS_INSIDE}
    heard = [inside[name] for name, answering in ANSWERS_INSIDE.items() if answering == service]
    if service == ANSWERS_CLIENTS:
        publish += inside.values()
        heard += [f"evenflow.v1.cmd.{shard}.>", f"evenflow.v1.health.{shard}.*"]
    return Permissions(tuple(publish), (*heard, "_INBOX.>"))


def _past(shard: str) -> Iterator[str]:
    """Read facts, and the states they were folded to: with both a past is decided again."""
    readable: tuple[Callable[[str], Store], ...] = (
        stores.log,
        stores.samples,
        stores.checkpoints,
    )
    for store in readable:
        yield from _api(store(shard), LOOK, FOLLOW)
    yield "$JS.FC.>"


def _provisioning(shard: str) -> Iterator[str]:
    for store in stores.kept(shard):
        yield from _api(store, PROVISION)
    proof = stores.proof(shard)
    yield from _api(proof, PROVE)
    yield from proof.subjects


def _api(store: Store, *groups: tuple[str, ...]) -> list[str]:
    return [f"{API_PREFIX}.{verb}" for verb in of(store.stream, *groups)]
