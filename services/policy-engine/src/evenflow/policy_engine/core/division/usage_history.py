"""Who has used how much: the usage snapshot, and what it does not know of yet (the entry penalty).

What was started is charged at once with its whole expected cost, as far as it lies behind the
snapshot; once it has ended, with what it really used until a snapshot knows that. So a small gap
in history cannot buy a long burst. Without a snapshot nobody has used anything (USG-20).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks, placed_tasks_of
from evenflow.common.domain.jobs.requests import request_between
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.plugins.policy import PARTS
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import units_per_base
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_since_snapshot import BUCKETS_KEPT, usage_since_snapshot
from evenflow.common.domain.usage.snapshot import UsageColumns, UsageSnapshot, queue_user

Account = tuple[str, str]
"""(Queue, "") for a queue and all below it, ("", user) for a user, (leaf, user) inside a leaf."""
_Amounts = dict[str, int]
_GIB: Final = 2**30
_HOUR_US: Final = 3_600 * SECOND


class UsageHistory:
    """Usage of accounts in billionths of the cluster's decayed capacity, dominant resource."""

    def __init__(self, state: ShardState) -> None:
        """There is no snapshot, so nobody has used anything."""
        self._state: Final = state
        self.snapshot: UsageSnapshot | None = None
        self._capacity: dict[str, int] = {}  # decayed, in units times microseconds
        self._live: dict[Account, _Amounts] = {}  # expected cost of what runs
        self._charged: dict[str, _Amounts] = {}  # of which: by live job
        self._ended: dict[Account, _Amounts] | None = None  # None: to be summed up again
        self._known: dict[Account, int] = {}  # what was looked up in the snapshot

    def use(self, snapshot: UsageSnapshot | None, live: Iterable[Job]) -> None:
        """Judge by this snapshot from now on; `live` are the jobs that hold something."""
        self.snapshot = snapshot
        self._known.clear()
        self._live.clear()
        self._charged.clear()
        self._capacity = {}
        if snapshot is None:
            return
        for name, hours in snapshot.capacity_hours.items():
            units = _GIB if name == "memory" else units_per_base(name)
            self._capacity[name] = int(hours * units) * _HOUR_US
        for job in live:
            self.charge(job.spec, placed_tasks_of(job))

    def charge(self, spec: JobSpec, placed_tasks: Iterable[PlacedTasks]) -> None:
        """Charge a job, which is live or about to be, with what it is expected to cost."""
        if self.snapshot is None:
            return
        until = self.snapshot.data_until
        charged = self._charged.setdefault(spec.id, {})
        added: _Amounts = {}
        for first, end, since in placed_tasks:
            duration = since + self._expected_us(spec) - max(since, until)
            if duration > 0:
                for name, amount in request_between(spec, first, end).items():
                    added[name] = added.get(name, 0) + amount * duration
        _add(charged, added)
        for account in _accounts(spec):
            _add(self._live.setdefault(account, {}), added)

    def end(self, spec: JobSpec, placed_tasks: Iterable[PlacedTasks], ended_at: Instant) -> None:
        """An attempt has ended: count what it used, as the fold has just noted it."""
        ended = self._ended
        if ended is None:
            return  # it is in the sum that is still to be made
        if len(self._state.usage_since_snapshot) >= BUCKETS_KEPT:
            self._ended = None
            return
        for first, end, since in placed_tasks:
            duration = ended_at - max(since, self._state.usage_until)
            if duration > 0:
                request = request_between(spec, first, end)
                used = {name: amount * duration for name, amount in request.items()}
                for account in _accounts(spec):
                    _add(ended.setdefault(account, {}), used)

    def settle(self, spec: JobSpec) -> None:
        """A job holds nothing any more: it is not charged with what it was expected to cost."""
        charged = self._charged.pop(spec.id, None)
        if charged:
            for account in _accounts(spec):
                amounts = self._live[account]
                for name, amount in charged.items():
                    amounts[name] -= amount
                if not any(amounts.values()):
                    del self._live[account]

    def forget_ended(self) -> None:
        """A snapshot was folded: the log has dropped what that knows."""
        self._ended = None

    def usage(self, account: Account) -> int:
        """Return an account's usage, with what was charged since the snapshot."""
        snapshot = self.snapshot
        if snapshot is None:
            return 0
        if self._ended is None:
            self._ended = _by_account(usage_since_snapshot(self._state))
        live, ended = self._live.get(account), self._ended.get(account)
        known = self._known.get(account)
        if known is None:
            known = self._known[account] = max(self._columns(snapshot, account).values(), default=0)
        if not live and not ended:
            return known
        parts = self._columns(snapshot, account)
        for charges in (live, ended):
            for name, amount in (charges or {}).items():
                capacity = self._capacity.get(name, 0)
                if capacity > 0:
                    parts[name] = parts.get(name, 0) + amount * PARTS // capacity
        return max(parts.values(), default=0)

    def _expected_us(self, spec: JobSpec) -> Instant:
        return (
            spec.estimated_duration_us
            or spec.time_limit_us
            or self._state.settings.expected_duration_us
        )

    @staticmethod
    def _columns(snapshot: UsageSnapshot, account: Account) -> _Amounts:
        path, user = account
        columns: UsageColumns
        if not user:
            columns, name = snapshot.queues, path
        elif not path:
            columns, name = snapshot.users, user
        else:
            columns, name = snapshot.queue_users, queue_user(path, user)
        row = columns.rows.get(name)
        if row is None:
            return {}
        return {
            resource: round(column[row] * PARTS)
            for resource, column in columns.normalized.items()
            if column[row]
        }


def _accounts(spec: JobSpec) -> tuple[Account, ...]:
    levels = tuple((path, "") for path in lineage(spec.queue))
    return (*levels, ("", spec.user), (spec.queue, spec.user))


def _by_account(usage: Mapping[tuple[str, str], Mapping[str, int]]) -> dict[Account, _Amounts]:
    result: dict[Account, _Amounts] = {}
    for (leaf, user), amounts in usage.items():
        for path in lineage(leaf):
            _add(result.setdefault((path, ""), {}), amounts)
        _add(result.setdefault(("", user), {}), amounts)
        _add(result.setdefault((leaf, user), {}), amounts)
    return result


def _add(target: _Amounts, amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        target[name] = target.get(name, 0) + amount
