"""Facts about usage over time."""

from collections.abc import Mapping
from dataclasses import dataclass

from evenflow.common.domain.clock import Instant


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """Resource-seconds that one job held during a sample's interval.

    `amounts` are in base units times seconds: cores, bytes, cards, bit/s. Negative where an earlier
    sample counted more than there was, because the job's end was told late.
    """

    job_id: str
    queue: str
    project: str
    user: str
    amounts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class UsageSample:
    """What was held between two instants, and the capacity at the end, in base units."""

    sample_id: str
    interval_start: Instant
    interval_end: Instant
    entries: tuple[UsageEntry, ...]
    capacity: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sampled:
    """Samples of usage (USG-03)."""

    samples: tuple[UsageSample, ...]


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """A decayed snapshot was written to Redis. Here is what makes the same text.

    `content` are its sums before decay (see `domain/usage/content.py`): all of them, or, where
    `whole_at` is not 0, those that differ from the snapshot at that sequence of the log. Facts of
    before there was content tell the text itself, as `document`.

    `digest` is the SHA-256 of the document without its last field, which is the digest itself.
    """

    sequence: int
    generated_at: Instant
    data_until: Instant
    digest: str
    document: str = ""
    content: str = ""
    whole_at: int = 0
