"""A shard's streams and buckets as its layout says: made by provisioning, checked by services."""

import re
from dataclasses import dataclass, replace

from nats.js import JetStreamContext
from nats.js.api import StreamConfig, StreamInfo
from nats.js.errors import BadRequestError, NotFoundError

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.adapters.nats.layout import (
    SAMPLES_MAX_AGE_SECONDS,
    Layout,
    log_config,
    other_configs,
)
from evenflow.common.adapters.nats.stream_names import (
    SAMPLES_SUFFIX,
    checkpoints_bucket,
    cursors_bucket,
    dead_stream,
    leases_bucket,
    log_stream,
    samples_stream,
)
from evenflow.common.domain.errors import LogMismatch, NotProvisioned

_NAME_TAKEN = 10058  # JetStream: stream name already in use with a different configuration
_LOG_ID = "log_id"
_PROVED_BY = "fence_proved_by"
_LEFT_OPEN: tuple[object, ...] = (0, -1, False, "", [], {})
_MEANT = frozenset({"max_bytes", "max_age", "allow_direct", "deny_delete"})
"""Fields of which nothing is something, and must be told to the broker."""
_HOW_TO_PROVISION = (
    "run `evenflow provision` as the login `provisioner` (`evenflow up` does it by itself); "
    "this service goes on as soon as that is done"
)


@dataclass(frozen=True, slots=True)
class Made:
    """What provisioning did to one stream: `made`, `changed` (with the fields), or `kept`."""

    stream: str
    outcome: str
    changed: tuple[str, ...] = ()


async def ensure(js: JetStreamContext, layout: Layout) -> str:
    """Make or update all streams and buckets of the shard and return the log's id.

    Raises:
        LogMismatch: a stream of the log's name exists that Evenflow has not made.
    """
    await provision_streams(js, layout, proved_by="")
    return await log_id_at(js, layout.shard)


async def provision_streams(
    js: JetStreamContext, layout: Layout, *, proved_by: str, dry_run: bool = False
) -> list[Made]:
    """Make or update all streams and buckets of the shard; say what was done, or would be.

    Doing it again changes nothing, and several may do it at once: the first creation wins and
    gives the log its id, which never changes afterwards. Subjects are only ever added, so an older
    release takes nothing away. `proved_by` is the version of the server whose fence was proved.

    Raises:
        LogMismatch: a stream of the log's name exists that Evenflow has not made.
    """
    identity = {_LOG_ID: IdMaker().new(), _PROVED_BY: proved_by}
    log = replace(log_config(layout), metadata=identity)
    return [
        await _ensure_stream(js, config, dry_run=dry_run)
        for config in (log, *other_configs(layout))
    ]


async def check_layout(js: JetStreamContext, layout: Layout, server_version: str) -> str:
    """Return the id of a shard's log once it is sure that provisioning was done for this server.

    Looked at are what every service may look at: whether the streams are there, and whether they
    take the facts that this release knows.

    Raises:
        NotProvisioned: something is missing, or the fence was proved on a newer server alone.
        LogMismatch: the log is not ours.
    """
    info = await _there(js, log_stream(layout.shard))
    log_id = log_id_of(info)
    found = {log_stream(layout.shard): set(info.config.subjects or ())}
    for stream in _seen_by_all(layout.shard):
        found[stream] = set((await _there(js, stream)).config.subjects or ())
    for stream, wanted in (
        (log_stream(layout.shard), layout.facts),
        (samples_stream(layout.shard), layout.samples),
    ):
        if missing := sorted(set(wanted) - found[stream]):
            raise NotProvisioned(
                f"stream {stream} does not take {', '.join(missing)}, so it was made by an older "
                f"release: {_HOW_TO_PROVISION}"
            )
    proved_by = (info.config.metadata or {}).get(_PROVED_BY, "")
    if not proved_by or _parts(server_version) < _parts(proved_by):
        where = f"on version {proved_by}" if proved_by else "nowhere"
        raise NotProvisioned(
            f"the NATS server is version {server_version}, and its fence was proved {where}: "
            f"{_HOW_TO_PROVISION}"
        )
    return log_id


async def _there(js: JetStreamContext, stream: str) -> StreamInfo:
    info = await _info(js, stream)
    if info is None:
        raise NotProvisioned(f"there is no stream {stream}: {_HOW_TO_PROVISION}")
    return info


def _seen_by_all(shard: str) -> tuple[str, ...]:
    """Name what every service uses; tokens are seen by the gateway alone."""
    return (
        samples_stream(shard),
        dead_stream(shard),
        f"KV_{leases_bucket(shard)}",
        f"KV_{cursors_bucket(shard)}",
        f"OBJ_{checkpoints_bucket(shard)}",
    )


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


async def log_id_at(js: JetStreamContext, shard: str) -> str:
    """Return the id of a shard's log, without making one.

    Raises:
        LogMismatch: there is no such log, or Evenflow has not made it.
    """
    info = await _info(js, log_stream(shard))
    if info is None:
        raise LogMismatch(f"there is no stream {log_stream(shard)}: has the system ever run?")
    return log_id_of(info)


def log_id_of(info: StreamInfo) -> str:
    """Return the id a log was given when it was made.

    Raises:
        LogMismatch: it has none.
    """
    found = (info.config.metadata or {}).get(_LOG_ID)
    if not found:
        raise LogMismatch(
            f"stream {info.config.name} exists but was not made by Evenflow (it has no {_LOG_ID}): "
            "rename or remove it, or choose another shard name"
        )
    return found


async def _ensure_stream(js: JetStreamContext, wanted: StreamConfig, *, dry_run: bool) -> Made:
    # Asked first: a server whose disk is nearly promised refuses to make even what exists already.
    name = str(wanted.name)
    found = await _info(js, name)
    if found is None:
        if dry_run:
            return Made(name, "made")
        try:
            await js.add_stream(_made_first(wanted))
        except BadRequestError as error:
            if error.err_code != _NAME_TAKEN:
                raise
        else:
            return Made(name, "made")
        found = await js.stream_info(name)
    metadata = dict(found.config.metadata or {})
    if _LOG_ID in (wanted.metadata or {}):
        log_id_of(found)
        if proved := (wanted.metadata or {}).get(_PROVED_BY):
            metadata[_PROVED_BY] = proved
    # What must not change stays as it was found: storage, the log's id, subjects of newer services.
    subjects = list(dict.fromkeys((*(found.config.subjects or ()), *(wanted.subjects or ()))))
    merged = replace(
        wanted,
        subjects=subjects,
        metadata=metadata,
        storage=found.config.storage,
        max_bytes=found.config.max_bytes if wanted.max_bytes is None else wanted.max_bytes,
        max_age=found.config.max_age if wanted.max_age is None else wanted.max_age,
    )
    changed = _differences(found.config, merged)
    if changed and not dry_run:
        await js.update_stream(merged)
    return Made(name, "changed" if changed else "kept", changed)


def _differences(found: StreamConfig, wanted: StreamConfig) -> tuple[str, ...]:
    """Name the fields that are asked for and are otherwise; what is left to the broker is not."""
    present = found.as_dict()
    return tuple(
        name
        for name, value in wanted.as_dict().items()
        if present.get(name) != value and not (value in _LEFT_OPEN and name not in _MEANT)
    )


def _made_first(wanted: StreamConfig) -> StreamConfig:
    """Fill in what a writer that only looks leaves open."""
    max_age = wanted.max_age
    if max_age is None and str(wanted.name).endswith(SAMPLES_SUFFIX):
        max_age = SAMPLES_MAX_AGE_SECONDS
    return replace(wanted, max_bytes=wanted.max_bytes or -1, max_age=max_age)


async def _info(js: JetStreamContext, name: str) -> StreamInfo | None:
    try:
        return await js.stream_info(name)
    except NotFoundError:
        return None
