"""A key-value bucket that is followed: what lies in it is known here, a moment after it was put."""

import asyncio
from collections.abc import Callable
from typing import Final

from nats.js.errors import APIError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.ordered_feed import OrderedFeed
from evenflow.common.adapters.nats.refusals import is_fence_refusal

OnChange = Callable[[str, bytes | None], None]
"""Is told a key and what lies under it now; None: nothing any more."""
_MARKER_SECONDS: Final = 30 * 24 * 3600
"""How long it stays known that a key was removed: no reader is away for longer and comes back."""
_BATCH: Final = 256


class WatchedBucket:
    """Values of a bucket by key. Values are never empty: an empty message removes its key."""

    def __init__(self, connection: NatsConnection, bucket: str, on_change: OnChange) -> None:
        """Nothing is read yet; `run` does, and `loaded` says when all that was there is known."""
        self._connection = connection
        self._prefix = f"$KV.{bucket}."
        self._stream = f"KV_{bucket}"
        self._on_change = on_change
        self._revisions: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        """What was removed from here and has not come back by the feed yet."""
        self._handled = 0
        self._feed = OrderedFeed(connection, self._stream, after=0)

    async def run(self) -> None:
        """Follow the bucket until cancelled; raises LogMismatch when it is gone."""
        await self._feed.start()
        try:
            while True:
                for message in await self._feed.take(_BATCH):
                    self._note(message.subject, message.sequence, message.data)
                    self._handled = message.sequence
                    if not message.data:  # what is gone must not pile up here
                        self._removed.pop(message.subject.removeprefix(self._prefix), None)
        finally:
            await self._feed.close()

    async def loaded(self) -> None:
        """Return once everything that lay in the bucket at the start is known."""
        # The feed tells nobody when it has come to the end.
        while not (self._feed.is_complete and self._handled >= self._feed.received):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def put(self, key: str, value: bytes, seconds: float | None = None) -> None:
        """Keep a value, for so long, in place of the last one; raises TemporarilyUnavailable."""
        with broker_errors(f"keeping {key}"):
            ttl = None if seconds is None else float(max(1, round(seconds)))
            ack = await self._connection.js.publish(f"{self._prefix}{key}", value, msg_ttl=ttl)
        self._note(f"{self._prefix}{key}", ack.seq, value)

    async def remove(self, key: str) -> bool:
        """Remove a value; whether it was there and nobody else removed it first.

        Raises:
            TemporarilyUnavailable: nobody knows whether it was removed.
        """
        revision = self._revisions.get(key)
        if revision is None:
            return False
        headers = {
            "KV-Operation": "PURGE",
            "Nats-Rollup": "sub",
            "Nats-Expected-Last-Subject-Sequence": str(revision),
        }
        with broker_errors(f"removing {key}"):
            try:
                ack = await self._connection.js.publish(
                    f"{self._prefix}{key}", b"", headers=headers, msg_ttl=float(_MARKER_SECONDS)
                )
            except APIError as error:
                if is_fence_refusal(error):
                    return False
                raise
        self._note(f"{self._prefix}{key}", ack.seq, b"")
        return True

    def _note(self, subject: str, sequence: int, data: bytes) -> None:
        key = subject.removeprefix(self._prefix)
        if sequence < max(self._revisions.get(key, 0), self._removed.get(key, 0)):
            return  # the feed is behind what was acknowledged here
        if data:
            self._revisions[key] = sequence
            self._on_change(key, data)
        else:
            self._revisions.pop(key, None)
            self._removed[key] = sequence
            self._on_change(key, None)
