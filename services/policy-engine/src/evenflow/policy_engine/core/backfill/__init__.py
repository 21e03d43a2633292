"""Backfill: later jobs fill gaps without delaying what is reserved. Pools know only slots.

The live cycle and the simulator call these functions by this package (`backfill.may_backfill`), so
that one place decides for both.
"""

from evenflow.policy_engine.core.availability.profile import FOREVER, Profile
from evenflow.policy_engine.core.availability.shadow import Shadow, may_backfill, shadow_of

__all__ = ["FOREVER", "Profile", "Shadow", "may_backfill", "shadow_of"]
