"""What the gateway remembers of usage for reports, and what usage costs."""

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import Duration, PositiveDuration

_DEAREST: Final = 1e9
_MOST_HOURS: Final = timedelta(days=400)  # an attempt is split into no more


def _check_prices(value: dict[str, float]) -> dict[str, float]:
    for name, price in value.items():
        if not 0 <= price <= _DEAREST:  # NaN is neither
            raise ValueError(f"gives {name[:40]} a price of {price:g}: must be 0 to {_DEAREST:g}")
    return value


Prices = Annotated[dict[str, float], Field(max_length=100), AfterValidator(_check_prices)]
"""Resource to the price of an hour of its base unit."""


class HistorySettings(Section):
    """Usage in the gateway's view, for reports. On the shard's clock."""

    # How long usage is remembered.
    keep: PositiveDuration = timedelta(days=400)
    # How long hour by hour; what is older is known by the day (UTC).
    keep_hours: Duration = timedelta(days=31)
    # Rows of usage and of archived snapshots each, at most: the oldest go first.
    keep_rows: int = Field(default=5_000_000, ge=1000)

    @model_validator(mode="after")
    def _check_hours(self) -> Self:
        if self.keep_hours > _MOST_HOURS:
            raise ValueError(f"keep_hours must not be longer than {_MOST_HOURS.days}d")
        if self.keep_hours > self.keep:
            raise ValueError("keep_hours must not be longer than keep")
        return self
