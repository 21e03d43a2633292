"""Usage in memory, for tests: whoever made the store fills it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.usage import UsageSample
from evenflow.common.ports.usage_backends import BackendSetup, TimeKept, UsageBatch, UsageStore


@dataclass(slots=True)
class MemoryStore:
    """`ports.usage_backends.UsageStore` of a list; the mark is how much of it was read."""

    samples: list[UsageSample] = field(default_factory=list)
    most: int = 1000  # in one batch

    async def fetch(self, mark: str | None, now: Instant) -> UsageBatch:  # noqa: ARG002
        """See the port."""
        begin = int(mark or 0)
        end = min(len(self.samples), begin + self.most)
        return UsageBatch(tuple(self.samples[begin:end]), str(end), end == len(self.samples))

    async def ping(self) -> str:
        """See the port."""
        return "memory"

    async def close(self) -> None:
        """See the port."""


@dataclass(frozen=True, slots=True)
class MemoryBackend:
    """`ports.usage_backends.UsageBackend` whose stores begin empty."""

    name: str = "memory"
    time_kept: TimeKept = TimeKept.SHARD

    def check(self, setup: BackendSetup) -> None:
        """See the port."""

    @asynccontextmanager
    async def open(self, setup: BackendSetup) -> AsyncIterator[UsageStore]:  # noqa: ARG002
        """See the port."""
        yield MemoryStore()


KIND: Final = MemoryBackend()
