"""The accounts of a shard as the broker's configuration has them: users, exports, imports.

Every stream lives in an account of its own that nobody logs in to, and every login in an account of
its own without JetStream, which imports what that login may do and nothing else. The broker does
not judge reply subjects: it sends an answer, with the rights of nobody, to whatever the account
that asked can reach. So what an account cannot reach is what its login may not do.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from evenflow.common.adapters.nats.accounts import stores
from evenflow.common.adapters.nats.accounts.identities import (
    ANSWERS_CLIENTS,
    ANSWERS_INSIDE,
    CLIENT,
    REQUESTER,
    SERVICES,
)
from evenflow.common.adapters.nats.accounts.permissions import (
    Permissions,
    facts_of,
    permissions,
)
from evenflow.common.adapters.nats.accounts.stores import Store
from evenflow.common.adapters.nats.accounts.verbs import (
    ALL,
    API_PREFIX,
    FOLLOW,
    NATIVE_PREFIX,
    of,
)

Config = dict[str, Any]


def account_of(identity: str, shard: str) -> str:
    """Name the account of a login."""
    return f"EVENFLOW_{shard}_{identity.replace('-', '_').upper()}"


def accounts(shard: str, passwords: Mapping[str, str]) -> Config:
    """Return the `accounts` of a server's configuration; `passwords` by login."""
    granted = permissions(shard)
    found: Config = {
        store.stream: {"jetstream": "enabled", "exports": list(_offered(store, granted, shard))}
        for store in (*stores.kept(shard), stores.proof(shard))
    }
    for name, allowed in granted.items():
        account: Config = {"users": [_user(name, passwords[name], allowed)]}
        account["imports"] = [*_used(allowed, shard), *_heard(name, shard)]
        account["exports"] = list(_told(name, shard))
        found[account_of(name, shard)] = account
    return found


def _offered(store: Store, granted: Mapping[str, Permissions], shard: str) -> Iterator[Config]:
    """Yield what a stream's account lets others do, each to those alone who may."""

    def export(kind: str, subject: str, local: str, **more: str) -> Iterator[Config]:
        users = [
            account_of(name, shard)
            for name, allowed in granted.items()
            if any(stores.matches(local, each) for each in allowed.publish)
        ]
        if users:
            yield {kind: subject, "accounts": users, **more}

    for verb in of(store.stream, *ALL):
        # A direct read may be answered by many messages.
        answers = "stream" if verb.startswith("DIRECT.GET.") else "singleton"
        native, local = f"{NATIVE_PREFIX}.{verb}", f"{API_PREFIX}.{verb}"
        yield from export("service", native, local, response_type=answers)
    for subject in store.subjects:
        yield from export("service", subject, subject)
    follows = f"{API_PREFIX}.{of(store.stream, FOLLOW)[0]}"
    yield from export("service", f"$JS.FC.{store.stream}.>", follows)
    yield from export("stream", "_INBOX.>", follows)


def _used(allowed: Permissions, shard: str) -> Iterator[Config]:
    """Yield what a login's account takes from those of streams: as much as the login may."""
    for store in (*stores.kept(shard), stores.proof(shard)):
        for verb in of(store.stream, *ALL):
            if f"{API_PREFIX}.{verb}" in allowed.publish:
                taken = {"account": store.stream, "subject": f"{NATIVE_PREFIX}.{verb}"}
                yield {"service": taken, "to": f"{API_PREFIX}.{verb}"}
        for subject in store.covered(allowed.publish):
            yield {"service": {"account": store.stream, "subject": subject}}
        if f"{API_PREFIX}.{of(store.stream, FOLLOW)[0]}" in allowed.publish:
            flow = {"account": store.stream, "subject": f"$JS.FC.{store.stream}.>"}
            yield {"service": flow}
            yield {"stream": {"account": store.stream, "subject": "_INBOX.>"}}


def _told(name: str, shard: str) -> Iterator[Config]:
    """Yield what a login's account offers to other logins: answers, heartbeats, facts."""
    gateway, client = account_of(ANSWERS_CLIENTS, shard), account_of(CLIENT, shard)
    for request, answering in ANSWERS_INSIDE.items():
        if answering == name:
            yield {"service": f"evenflow.v1.ask.{shard}.{request}", "accounts": [gateway]}
    if name == ANSWERS_CLIENTS:
        askers = [client, account_of(REQUESTER, shard)]
        yield {"service": f"evenflow.v1.cmd.{shard}.>", "accounts": askers}
    if name in SERVICES:
        yield {"stream": f"evenflow.v1.health.{shard}.{name}", "accounts": [gateway, client]}
        # As services publish them: the broker hands on no message that came in as a request.
        for subject in facts_of(name, shard):
            yield {"stream": subject, "accounts": [client]}


def _heard(name: str, shard: str) -> Iterator[Config]:
    """Yield what a login's account takes from other logins."""
    gateway = account_of(ANSWERS_CLIENTS, shard)
    if name == ANSWERS_CLIENTS:
        for request, answering in ANSWERS_INSIDE.items():
            subject = f"evenflow.v1.ask.{shard}.{request}"
            yield {"service": {"account": account_of(answering, shard), "subject": subject}}
    if name in (CLIENT, REQUESTER):
        yield {"service": {"account": gateway, "subject": f"evenflow.v1.cmd.{shard}.>"}}
    if name in (CLIENT, ANSWERS_CLIENTS):
        for service in SERVICES:
            heard = [f"evenflow.v1.health.{shard}.{service}"] if service != name else []
            if name == CLIENT:
                heard += facts_of(service, shard)
            for subject in heard:
                yield {"stream": {"account": account_of(service, shard), "subject": subject}}


def _user(name: str, password: str, granted: Permissions) -> Config:
    return {
        "user": name,
        "password": password,
        "permissions": {
            "publish": {"allow": list(granted.publish), "deny": list(granted.deny_publish)},
            "subscribe": {"allow": list(granted.subscribe)},
        },
    }
