"""The logins of a shard's broker, and the table of ownership: which service writes which facts."""

from typing import Final

CLIENT: Final = "client"
"""Sends requests and hears all facts: for people who may see the whole shard."""
REQUESTER: Final = "requester"
"""Sends requests, and hears nothing but its answers."""
READER: Final = "reader"
"""Reads the log's past and the checkpoints, for tools that decide a past again."""
PROVISIONER: Final = "provisioner"
"""Makes and changes streams and buckets; appends no fact."""

FACTS: Final[dict[str, tuple[str, ...]]] = {
    # What people define and ask for; the gateway checks it, the fold judges it.
    "gateway": (
        "jobs.*",
        "queues.*",
        "quotas.set",
        "quotas.alerted",
        "nodes.*",
        "clock.set",
        "reservations.*",
        "variants.*",
        "access.*",
        "log.*",
    ),
    # What is there and what it used; work born in a cluster is submitted by who saw it.
    "exporter": (
        "cluster.observed",
        "usage.sampled",
        "load.measured",
        "replicas.measured",
        "jobs.submitted",
    ),
    "usage-aggregator": ("usage.snapshot-taken", "costs.learned"),
    # Whoever decides writes under the fence `*.decided`, and says by what settings.
    "policy-engine": ("*.decided", "settings.set", "admission.completed"),
    "binder": ("runs.reported", "scale.reported", "quotas.synced"),
}

ANSWERS_INSIDE: Final[dict[str, str]] = {
    # Asked by the gateway alone, which has judged who asks: nobody outside may.
    "jobs.explain": "policy-engine",
    "jobs.logs": "binder",
    "usage.show": "policy-engine",
}

SERVICES: Final = tuple(FACTS)
IDENTITIES: Final = (PROVISIONER, *SERVICES, READER, CLIENT, REQUESTER)

SAVES_CHECKPOINTS: Final = ("policy-engine", "exporter")
CUTS_THE_LOG: Final = "policy-engine"
"""It owns the bases others start from, so it alone knows up to where the log may go."""
KEEPS_TOKENS: Final = "gateway"
ANSWERS_CLIENTS: Final = "gateway"
