"""Messages that have arrived and wait to be taken, with the flow control between them."""

from collections import deque
from collections.abc import Awaitable, Callable

from evenflow.common.ports.log import LogMessage


class FlowBuffer:
    """Answers a flow-control request once all messages before it were taken, so memory is bounded.

    The broker sends on only when it was answered.
    """

    def __init__(self, answer: Callable[[str], Awaitable[None]]) -> None:
        """Begin empty; `answer` sends the reply to a request."""
        self._answer = answer
        self._waiting: deque[LogMessage | str] = deque()  # a str is a reply to send when reached
        self._unanswered: set[str] = set()

    def put(self, message: LogMessage) -> None:
        """Add the newest message."""
        self._waiting.append(message)

    async def put_reply(self, reply: str) -> None:
        """Send a reply when everything that waits now was taken; at once when nothing does."""
        if not self._waiting:
            await self._send(reply)
        elif reply not in self._unanswered:
            self._unanswered.add(reply)
            self._waiting.append(reply)

    async def take(self, max_messages: int) -> list[LogMessage]:
        """Return what is waiting, oldest first; maybe nothing."""
        taken: list[LogMessage] = []
        while self._waiting and len(taken) < max_messages:
            item = self._waiting[0]
            if isinstance(item, str):
                if taken:
                    break  # an await with messages in hand would lose them if cancelled
                self._waiting.popleft()
                await self._send(item)
            else:
                taken.append(item)
                self._waiting.popleft()
        return taken

    async def _send(self, reply: str) -> None:
        self._unanswered.discard(reply)
        await self._answer(reply)
