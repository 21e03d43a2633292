"""Who may say what on the embedded broker: services their own facts, outsiders requests only.

Read `FACTS` as the table of ownership; everything else is what JetStream needs to keep and read a
log. Stream and bucket names are spelled here again, because the adapters that own them load the
broker's library; a test holds the two together.
"""

from dataclasses import dataclass
from typing import Final

OUTSIDER: Final = "client"
"""The user of the CLI, the SDK and other programs."""

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
        "log.skipped",
        "variants.*",
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

_PROVES_THE_FENCE: Final = frozenset({"policy-engine", "usage-aggregator", "binder"})


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects one user may publish and subscribe to; what is denied wins over what is allowed."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    deny_publish: tuple[str, ...] = ()


def permissions(shard: str) -> dict[str, Permissions]:
    """Return the permissions of every user of a shard's broker."""
    users = {service: _of_service(service, shard) for service in FACTS}
    users[OUTSIDER] = Permissions(
        publish=(
            "evenflow.v1.cmd.>",
            *_reading(_read_by_all(shard)),
            # An ordered reader tidies up.
            *(f"$JS.API.CONSUMER.DELETE.{name}.*" for name in _read_by_all(shard)),
        ),
        subscribe=("evenflow.v1.>", "_INBOX.>"),
    )
    return users


def _of_service(service: str, shard: str) -> Permissions:
    kept = _kept_streams(shard)
    publish = [f"evenflow.v1.{shard}.{fact}" for fact in FACTS[service]]
    publish += [
        f"evenflow.v1.cmd.{shard}.>",
        f"evenflow.v1.health.{shard}.{service}",
        f"evenflow.v1.dead.{shard}.>",
        f"$KV.EVENFLOW_{shard}_leases.>",
        f"$KV.EVENFLOW_{shard}_cursors.>",
        f"$O.EVENFLOW_{shard}_checkpoints.>",
        "_INBOX.>",  # answers to requests
        *_reading(kept),
        *(f"$JS.API.STREAM.{verb}.{name}" for name in kept for verb in ("CREATE", "UPDATE")),
        *(f"$JS.API.CONSUMER.{verb}.{name}.>" for name in kept for verb in ("DELETE", "DURABLE")),
        *(f"$JS.ACK.{name}.>" for name in kept),
        # Object chunks of dropped checkpoints; the log itself is cut by nobody here.
        f"$JS.API.STREAM.PURGE.OBJ_EVENFLOW_{shard}_checkpoints",
    ]
    deny: list[str] = []
    if service in _PROVES_THE_FENCE:
        # The proof makes and removes a stream of its own name; those that are kept stay.
        publish += ["evenflow.v1.proof.>", "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.DELETE.*"]
        deny = [f"$JS.API.STREAM.DELETE.{name}" for name in kept]
    return Permissions(tuple(publish), ("evenflow.v1.>", "_INBOX.>", "$KV.>", "$O.>"), tuple(deny))


def _reading(streams: tuple[str, ...]) -> tuple[str, ...]:
    """Look at streams and read them through consumers of one's own."""
    of_each = (
        subject
        for name in streams
        for subject in (
            f"$JS.API.STREAM.INFO.{name}",
            f"$JS.API.STREAM.MSG.GET.{name}",
            f"$JS.API.DIRECT.GET.{name}",
            f"$JS.API.DIRECT.GET.{name}.>",
            f"$JS.API.CONSUMER.CREATE.{name}",
            f"$JS.API.CONSUMER.CREATE.{name}.>",
            f"$JS.API.CONSUMER.INFO.{name}.*",
            f"$JS.API.CONSUMER.MSG.NEXT.{name}.*",
        )
    )
    return ("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.FC.>", *of_each)


def _log_streams(shard: str) -> tuple[str, ...]:
    return (f"EVENFLOW_{shard}", f"EVENFLOW_{shard}_samples", f"EVENFLOW_{shard}_DEAD")


def _read_by_all(shard: str) -> tuple[str, ...]:
    """Facts, and the states they were folded to: with both a past is decided again."""
    return (*_log_streams(shard), f"OBJ_EVENFLOW_{shard}_checkpoints")


def _kept_streams(shard: str) -> tuple[str, ...]:
    return (
        *_log_streams(shard),
        f"KV_EVENFLOW_{shard}_leases",
        f"KV_EVENFLOW_{shard}_cursors",
        f"OBJ_EVENFLOW_{shard}_checkpoints",
    )
