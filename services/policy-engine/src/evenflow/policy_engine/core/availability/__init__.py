"""When nodes will have room, if all that runs ends as it is planned to.

Blocked jobs are promised room, and reservations are kept, by what this room tells: the outlook for
one ask (slots by domain, now and at later ends), and plain profiles of slots over time. It takes
live jobs, their planned ends and what is free on nodes, and returns instants and numbers of slots;
it decides about nobody. The simulator's pool asks the same functions by this package
(`availability.may_backfill`), so that one place decides for both. It may import `estimates` and
`placement`.
"""

from evenflow.policy_engine.core.availability.profile import FOREVER, Profile
from evenflow.policy_engine.core.availability.shadow import Shadow, may_backfill, shadow_of

__all__ = ["FOREVER", "Profile", "Shadow", "may_backfill", "shadow_of"]
