"""The section about quotas: who enforces them, and when their use is told."""

from typing import Annotated

from pydantic import Field

from evenflow.common.domain.quotas.quota import QUOTA_PROVIDERS
from evenflow.common.runtime.settings.sections.alerts import Thresholds
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import one_of


class QuotaSettings(Section):
    """Where project quotas are enforced."""

    # CFG-03 QUOTA_PROVIDER: `local` keeps them as facts in the log; others are installed (entry
    # points `evenflow.quota_providers`).
    provider: Annotated[str, one_of("quota_providers", QUOTA_PROVIDERS)] = "local"
    # Ratios of any limit of a quota at which an alert is told, as `quotas.alerted`. Empty: none.
    alerts: Thresholds = (0.8, 1.0)
    # An alert is told again only after usage fell this far below its ratio, in ratios of the limit.
    alert_hysteresis: float = Field(default=0.05, ge=0, lt=1)
