"""How long each part has been in trouble without a break. Starts and asks nothing."""

import time
from collections.abc import Callable

Part = tuple[str, int]
"""Name and process id: a new process begins without a past."""


class Silences:
    """Since when whom; whoever is in trouble for too long is named once."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nobody is in trouble yet."""
        self._monotonic = monotonic
        self._since: dict[Part, float] = {}

    def note(self, part: Part, trouble: str, patience_seconds: float) -> float | None:
        """Note how it is now, "" being well; the seconds of its trouble when they are too many."""
        if not trouble:
            self._since.pop(part, None)
            return None
        now = self._monotonic()
        lasted = now - self._since.setdefault(part, now)
        if lasted < patience_seconds:
            return None
        del self._since[part]
        return lasted

    def clear(self, name: str) -> None:
        """Forget what was noted of any process of that name."""
        self._since = {part: since for part, since in self._since.items() if part[0] != name}

    def forget(self) -> None:
        """Forget everything: nobody looked for a while."""
        self._since.clear()
