"""Facts about quotas."""

from dataclasses import dataclass

from evenflow.common.domain.quota import Quota


@dataclass(frozen=True, slots=True)
class Set:
    """Quotas were set; each record is the whole quota of its path."""

    quotas: tuple[Quota, ...]
