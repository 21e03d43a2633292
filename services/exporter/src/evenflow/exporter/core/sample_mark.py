"""Where a sample stands: enough, with the log, to compute the next one after a crash. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import UnreadableMessage

_TEXT: Final = re.compile(r"(?P<shard>[a-z0-9-]+)\.(\d+)-(\d+)\.(\d+)\.(\d+)of(\d+)")


@dataclass(frozen=True, slots=True)
class SampleMark:
    """Part `part` of `parts` of the sample up to `ended_at` that knows the log up to `sequence`.

    `before` is the sequence that the sample before it knew. As text it is the sample's id: the
    same facts and the same tick give the same id.
    """

    shard: str
    before: int
    sequence: int
    ended_at: Instant
    part: int = 1
    parts: int = 1

    def __str__(self) -> str:
        """Return the sample's id."""
        return (
            f"{self.shard}.{self.before}-{self.sequence}.{self.ended_at}.{self.part}of{self.parts}"
        )

    @classmethod
    def parse(cls, sample_id: str) -> "SampleMark":
        """Read a sample's id.

        Raises:
            UnreadableMessage: it was not made here.
        """
        found = _TEXT.fullmatch(sample_id)
        if found is None:
            raise UnreadableMessage("usage.sampled", f"no exporter makes the id {sample_id!r}")
        shard, *numbers = found.groups()
        return cls(shard, *map(int, numbers))
