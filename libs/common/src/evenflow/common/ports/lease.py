"""Who may act: a lease that one process of a kind holds. A hint: safety rests on the fence."""

from typing import Protocol


class LeaseHolder(Protocol):
    """One process's view of a lease."""

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lease now; false early rather than late."""

    async def acquire(self) -> None:
        """Wait until this process holds the lease."""

    async def wait_lost(self) -> None:
        """Return when the lease is not held (any more)."""

    async def release(self) -> None:
        """Give the lease up, so that another process gets it at once."""
