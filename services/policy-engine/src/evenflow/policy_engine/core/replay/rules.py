"""Other rules than the recorded ones: what a past is decided by when one asks "what if". Pure.

Rules name what differs and leave the rest as it was: single settings, single fields of queues and
of quotas. They are put in place of what facts say, so a fact recorded later, which defines a queue
anew, does not undo them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import queues, quotas, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.budget import put_quota
from evenflow.common.domain.state.shard_state import ShardState

Fields = Mapping[str, object]
"""Values by the name of a field of the domain's class."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs: fields of the settings, and of queues and quotas by path."""

    settings: Fields = field(default_factory=dict)
    queues: Mapping[str, Fields] = field(default_factory=dict)
    quotas: Mapping[str, Fields] = field(default_factory=dict)

    def settings_of(self, recorded: SchedulerSettings) -> SchedulerSettings:
        """Return the settings as these rules have them."""
        return replace(recorded, **self.settings)  # type: ignore[arg-type]

    def queue_of(self, recorded: Queue) -> Queue:
        """Return a queue as these rules have it."""
        given = self.queues.get(recorded.path)
        return replace(recorded, **given) if given else recorded  # type: ignore[arg-type]

    def quota_of(self, recorded: Quota) -> Quota:
        """Return a quota as these rules have it.

        Resources and types of jobs differ one by one; None takes a limit away.
        """
        given = dict(self.quotas.get(recorded.path, {}))
        resources = _mixed(recorded.resources, given.pop("resources", None))
        max_by_type = _mixed(recorded.max_by_type, given.pop("max_by_type", None))
        return replace(recorded, resources=resources, max_by_type=max_by_type, **given)  # type: ignore[arg-type]

    def told(self, entry: Entry) -> Entry:
        """Return an entry of the log as it would have been told under these rules."""
        fact = entry.fact
        if isinstance(fact, settings.Set):
            return replace(entry, fact=settings.Set(self.settings_of(fact.scheduler)))
        if isinstance(fact, queues.Defined):
            return replace(entry, fact=queues.Defined(tuple(map(self.queue_of, fact.queues))))
        if isinstance(fact, quotas.Set):
            return replace(entry, fact=quotas.Set(tuple(map(self.quota_of, fact.quotas))))
        return entry

    def begin(self, state: ShardState) -> None:
        """Put these rules in place in a state that was loaded, or in an empty one."""
        state.settings = self.settings_of(state.settings)
        for path in self.queues:
            if (known := state.queues.get(path)) is not None:
                state.queues[path] = self.queue_of(known)
        for path in self.quotas:
            if path in state.queues:
                put_quota(state, self.quota_of(state.quotas.get(path) or Quota(path)))

    def follow(self, folded: Folded) -> None:
        """Give queues that were just defined the quotas that these rules have for them."""
        state = folded.state
        for path in self.quotas:
            if path in folded.queues and path in state.queues and path not in state.quotas:
                put_quota(state, self.quota_of(Quota(path)))

    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not any(getattr(self, each.name) for each in fields(self))


def _mixed(recorded: Mapping[str, int], given: object) -> Mapping[str, int]:
    if not isinstance(given, Mapping):
        return recorded
    return {name: amount for name, amount in {**recorded, **given}.items() if amount is not None}


AS_RECORDED = Rules()
