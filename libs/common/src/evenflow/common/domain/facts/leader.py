"""Facts about who decides."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decided:
    """An engine leads from here; the sequence of this fact is its epoch."""

    instance: str
    version: str
