"""What one request may take: bytes of its head, seconds of its body."""

import asyncio
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope

from evenflow.gateway.edge.problems import BodyTooSlow, HeadTooLarge


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """Bounds of every request alike."""

    head_bytes: int = 64 * 1024
    body_seconds: float = 60.0

    def check_head(self, scope: Scope) -> None:
        """Refuse a head that is too large; raises HeadTooLarge."""
        size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        size += sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self.head_bytes:
            raise HeadTooLarge(self.head_bytes)

    def timed(self, receive: Receive) -> Receive:
        """Return a `receive` whose whole body has to come in time; it raises BodyTooSlow."""
        deadline: float | None = None
        is_whole = False

        async def receive_in_time() -> Message:
            nonlocal deadline, is_whole
            if is_whole:  # all that may come is that the client goes away
                return await receive()
            if deadline is None:
                deadline = asyncio.get_running_loop().time() + self.body_seconds
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(self.body_seconds) from error
            is_whole = not message.get("more_body", False)
            return message

        return receive_in_time
