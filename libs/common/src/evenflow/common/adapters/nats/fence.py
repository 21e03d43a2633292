"""The fence that keeps two writers apart: where it stands, and proof that the broker honours it."""

from contextlib import suppress

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from evenflow.common.adapters.nats.connection import broker_errors
from evenflow.common.adapters.nats.refusals import is_fence_refusal
from evenflow.common.adapters.nats.stream_names import proof_stream, proof_subject
from evenflow.common.domain.errors import UnsupportedServer
from evenflow.common.ports.log import Fence


async def read_fence(js: JetStreamContext, stream: str, subject: str) -> Fence:
    """Return a fence that expects what is last under `subject` (wildcards allowed) now."""
    with broker_errors(f"asking what is last under {subject}"):
        try:
            last = await js.get_last_msg(stream, subject)
        except NotFoundError:
            return Fence(subject, 0)
    return Fence(subject, last.seq or 0)


async def prove_fence(js: JetStreamContext, shard: str) -> None:
    """Try the fence on a scratch stream in memory, which is gone afterwards.

    Only who provisions may make one; services believe what provisioning wrote down.

    Raises:
        UnsupportedServer: the broker accepted a stale writer, or refused a rightful one.
    """
    name, prefix = proof_stream(shard), proof_subject(shard)
    with suppress(NotFoundError):
        await js.delete_stream(name)  # left by who was killed while proving
    await js.add_stream(
        StreamConfig(
            name=name,
            subjects=[f"{prefix}.*.decided"],
            storage=StorageType.MEMORY,
            max_msgs=10,
            max_age=60,
        )
    )
    try:
        under = f"{prefix}.*.decided"
        rightful = await _is_accepted(js, f"{prefix}.leader.decided", under, 0)
        stale = await _is_accepted(js, f"{prefix}.cycle.decided", under, 0)
        going_on = await _is_accepted(js, f"{prefix}.cycle.decided", under, 1)
    finally:
        with suppress(nats.errors.Error):
            await js.delete_stream(name)
    if stale or not rightful or not going_on:
        raise UnsupportedServer(
            "the NATS server does not honour Nats-Expected-Last-Subject-Sequence-Subject with "
            "wildcards, on which it rests that only one engine decides: use 2.12 or newer"
        )


async def _is_accepted(js: JetStreamContext, subject: str, under: str, expected: int) -> bool:
    try:
        await js.publish(
            subject,
            headers={
                "Nats-Expected-Last-Subject-Sequence": str(expected),
                "Nats-Expected-Last-Subject-Sequence-Subject": under,
            },
        )
    except APIError as error:
        if is_fence_refusal(error):
            return False
        raise
    return True
