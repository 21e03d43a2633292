"""Make a shard's streams and buckets as its layout says, and know a log by its id."""

from dataclasses import replace

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
from evenflow.common.adapters.nats.stream_names import SAMPLES_SUFFIX, log_stream
from evenflow.common.domain.errors import LogMismatch

_NAME_TAKEN = 10058  # JetStream: stream name already in use with a different configuration
_LOG_ID = "log_id"


async def ensure(js: JetStreamContext, layout: Layout) -> str:
    """Make or update all streams and buckets of the shard and return the log's id.

    Any number of services may do this at once: the first creation wins and gives the log its id,
    which never changes afterwards. Subjects are only ever added, so an older service takes nothing
    away.

    Raises:
        LogMismatch: a stream of the log's name exists that Evenflow has not made.
    """
    info = await _ensure_stream(
        js, replace(log_config(layout), metadata={_LOG_ID: IdMaker().new()})
    )
    for config in other_configs(layout):
        await _ensure_stream(js, config)
    return log_id_of(info)


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


async def _ensure_stream(js: JetStreamContext, wanted: StreamConfig) -> StreamInfo:
    # Asked first: a server whose disk is nearly promised refuses to make even what exists already.
    found = await _info(js, str(wanted.name))
    if found is None:
        try:
            return await js.add_stream(_made_first(wanted))
        except BadRequestError as error:
            if error.err_code != _NAME_TAKEN:
                raise
        found = await js.stream_info(str(wanted.name))
    if _LOG_ID in (wanted.metadata or {}):
        log_id_of(found)
    # What must not change stays as it was found: storage, the log's id, subjects of newer services.
    subjects = list(dict.fromkeys((*(found.config.subjects or ()), *(wanted.subjects or ()))))
    merged = replace(
        wanted,
        subjects=subjects,
        metadata=found.config.metadata,
        storage=found.config.storage,
        max_bytes=found.config.max_bytes if wanted.max_bytes is None else wanted.max_bytes,
        max_age=found.config.max_age if wanted.max_age is None else wanted.max_age,
    )
    return await js.update_stream(merged)


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
