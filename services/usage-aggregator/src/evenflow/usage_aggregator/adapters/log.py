"""The stream of samples as a store of usage: nothing to install, and exact."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts.usage import UsageSample
from evenflow.common.ports.samples import SampleLog, StoredSamples
from evenflow.common.ports.usage_backends import BackendSetup, TimeKept, UsageBatch, UsageStore

_MESSAGES: Final = 400  # in one batch; the stream hands out fewer at a time
_ANSWER_SECONDS: Final = 2.0


class LogStore:
    """`ports.usage_backends.UsageStore` of a shard's samples; the mark is a sequence."""

    def __init__(self, samples: SampleLog) -> None:
        """Nothing is read before the first fetch."""
        self._samples = samples
        self._feed: AsyncIterator[Sequence[StoredSamples]] | None = None
        self._read = 0  # the sequence that the feed has reached

    async def fetch(self, mark: str | None, now: Instant) -> UsageBatch:  # noqa: ARG002
        """See the port.

        Raises:
            UnreadableMessage: a sample breaks its contract; it is never stepped over.
        """
        after = int(mark or 0)
        end = await self._samples.end()
        if end.last_sequence < after:
            after = 0  # the stream was made anew; its samples have other ids
        last = end.last
        if last is None or last.sequence <= after:
            return UsageBatch((), str(after))
        if self._feed is None or self._read != after:
            await self.close()
            self._feed, self._read = self._samples.batches(after), after
        found: list[UsageSample] = []
        messages = 0
        while self._read < last.sequence and messages < _MESSAGES:
            for message in await self._next(self._feed, last.sequence):
                found += message.fact.samples
                self._read = message.sequence
                messages += 1
        return UsageBatch(found, str(self._read), self._read >= last.sequence)

    async def ping(self) -> str:
        """See the port."""
        await self._samples.end()
        return "log"

    async def close(self) -> None:
        """See the port."""
        feed, self._feed = self._feed, None
        if isinstance(feed, AsyncGenerator):
            await feed.aclose()

    async def _next(
        self, feed: AsyncIterator[Sequence[StoredSamples]], last: int
    ) -> Sequence[StoredSamples]:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await anext(feed)
        except TimeoutError as error:
            await self.close()  # it was cancelled in the middle: the next fetch reads anew
            raise TemporarilyUnavailable(
                f"samples are read up to {self._read} of {last}"
            ) from error


@dataclass(frozen=True, slots=True)
class LogBackend:
    """`ports.usage_backends.UsageBackend` of the shard's own stream."""

    name: str = "log"
    time_kept: TimeKept = TimeKept.SHARD

    def check(self, setup: BackendSetup) -> None:
        """See the port."""

    @asynccontextmanager
    async def open(self, setup: BackendSetup) -> AsyncIterator[UsageStore]:
        """See the port."""
        if setup.samples is None:
            raise ValueError("there is no stream of samples to read")
        store = LogStore(setup.samples)
        try:
            yield store
        finally:
            await store.close()


KIND: Final = LogBackend()
