"""What REST says about the log itself."""

from typing_extensions import TypedDict


class Quarantined(TypedDict):
    """Readers pass over `sequence`, as the fact at `said_at` tells them."""

    sequence: int
    said_at: int


class Gap(TypedDict):
    """Sequences that are gone, and what is still known of them."""

    first: int
    last: int
    known: str


class Repair(TypedDict):
    """What the log has lost; `said_at` is the fact that lets all services go on, or None."""

    first: int
    last: int
    gaps: list[Gap]
    cut_after: int | None
    ahead: list[str]
    said_at: int | None
