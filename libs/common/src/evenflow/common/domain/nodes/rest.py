"""How long a node that refused to start runs takes no new ones."""

from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant

FIRST_US: Final = 1 * SECOND
MOST_US: Final = 8 * SECOND  # what came back is used again within 10 s


@dataclass(frozen=True, slots=True)
class Rest:
    """A node takes nothing before `until`; it has refused so many times in a row."""

    until: Instant
    refusals: int


def rest_after(rest: Rest | None, at: Instant) -> Rest:
    """Return the rest of a node that refused a run at `at`.

    What was sent to it before it rested says nothing new: only a refusal after its rest doubles it.
    """
    if rest is None:
        return Rest(at + FIRST_US, 1)
    if at < rest.until:
        return rest
    return Rest(at + min(MOST_US, FIRST_US << min(rest.refusals, 10)), rest.refusals + 1)
