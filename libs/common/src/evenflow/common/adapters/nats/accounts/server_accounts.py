"""The accounts of a shard as the broker's configuration has them: users, exports, imports.

Streams live in accounts nobody logs in to. Services, clients and the provisioner live in others,
without JetStream: whatever they put as the reply of a request is replaced by the broker on its way
in, so that no answer can be sent onto the subject of a stream.
"""

from collections.abc import Mapping
from typing import Any

from evenflow.common.adapters.nats.accounts import stores
from evenflow.common.adapters.nats.accounts.identities import (
    CLIENT,
    PROVISIONER,
    READER,
    REQUESTER,
    SERVICES,
)
from evenflow.common.adapters.nats.accounts.permissions import Permissions, permissions
from evenflow.common.adapters.nats.accounts.stores import Store
from evenflow.common.adapters.nats.accounts.verbs import (
    API_PREFIX,
    FOLLOW,
    LOOK,
    NATIVE_PREFIX,
    PROVE,
    PROVISION,
    PURGE,
    of,
)

Config = dict[str, Any]


def accounts(shard: str, passwords: Mapping[str, str]) -> Config:
    """Return the `accounts` of a server's configuration; `passwords` by login."""
    granted = permissions(shard)

    def users(*names: str) -> list[Config]:
        return [_user(name, passwords[name], granted[name]) for name in names]

    services, provisioning = f"EVENFLOW_{shard}_SERVICES", f"EVENFLOW_{shard}_PROVISIONING"
    clients, requesters = f"EVENFLOW_{shard}_CLIENTS", f"EVENFLOW_{shard}_REQUESTERS"
    kept, proof = stores.kept(shard), stores.proof(shard)
    facts = (stores.log(shard), stores.samples(shard))
    requests, health = f"evenflow.v1.cmd.{shard}.>", f"evenflow.v1.health.{shard}.>"
    asking = {"service": {"account": services, "subject": requests}}
    found: Config = {
        store.stream: _store(store, services, provisioning, clients if store in facts else "")
        for store in kept
    }
    found[proof.stream] = {
        "jetstream": "enabled",
        "exports": [
            {"service": subject, "accounts": [provisioning]}
            for subject in (*_native(proof, PROVE), *proof.subjects)
        ],
    }
    found[services] = {
        "users": users(*SERVICES, READER),
        "exports": [
            {"service": requests, "accounts": [clients, requesters]},
            {"stream": health, "accounts": [clients]},
        ],
        "imports": [each for store in kept for each in _used(store)],
    }
    found[provisioning] = {
        "users": users(PROVISIONER),
        "imports": [
            *(each for store in kept for each in _api(store, PROVISION)),
            *_api(proof, PROVE),
            *_services(proof, proof.subjects),
        ],
    }
    found[clients] = {
        "users": users(CLIENT),
        "imports": [
            asking,
            {"stream": {"account": services, "subject": health}},
            *(
                {"stream": {"account": store.stream, "subject": subject}}
                for store in facts
                for subject in store.subjects
            ),
        ],
    }
    found[requesters] = {"users": users(REQUESTER), "imports": [asking]}
    return found


def _store(store: Store, services: str, provisioning: str, hearers: str) -> Config:
    exports: list[Config] = [
        {
            "service": subject,
            "accounts": [services, provisioning],
            # A direct read may be answered by many messages.
            "response_type": "stream" if ".DIRECT.GET." in subject else "singleton",
        }
        for subject in _native(store, LOOK, FOLLOW, PURGE, PROVISION)
    ]
    exports += [
        {"service": subject, "accounts": [services]}
        for subject in (f"$JS.FC.{store.stream}.>", *store.subjects)
    ]
    exports.append({"stream": "_INBOX.>", "accounts": [services]})
    if hearers:
        exports += [{"stream": subject, "accounts": [hearers]} for subject in store.subjects]
    return {"jetstream": "enabled", "exports": exports}


def _used(store: Store) -> list[Config]:
    return [
        *_api(store, LOOK, FOLLOW, PURGE),
        *_services(store, (f"$JS.FC.{store.stream}.>", *store.subjects)),
        {"stream": {"account": store.stream, "subject": "_INBOX.>"}},
    ]


def _api(store: Store, *groups: tuple[str, ...]) -> list[Config]:
    return [
        {
            "service": {"account": store.stream, "subject": f"{NATIVE_PREFIX}.{verb}"},
            "to": f"{API_PREFIX}.{verb}",
        }
        for verb in of(store.stream, *groups)
    ]


def _services(store: Store, subjects: tuple[str, ...]) -> list[Config]:
    return [{"service": {"account": store.stream, "subject": subject}} for subject in subjects]


def _native(store: Store, *groups: tuple[str, ...]) -> list[str]:
    return [f"{NATIVE_PREFIX}.{verb}" for verb in of(store.stream, *groups)]


def _user(name: str, password: str, granted: Permissions) -> Config:
    return {
        "user": name,
        "password": password,
        "permissions": {
            "publish": {"allow": list(granted.publish), "deny": list(granted.deny_publish)},
            "subscribe": {"allow": list(granted.subscribe)},
        },
    }
