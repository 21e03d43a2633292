"""A whole fleet of queues at once: what differs from how it is now, and only that. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.queues.queue import Queue, lineage
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.fleet.rules.fields import Fleet, FleetQueue, quota_fields
from evenflow.gateway.queues.rules.definitions import change, create
from evenflow.gateway.queues.rules.projects import DefinitionContext, Definitions
from evenflow.gateway.quotas.rules.definitions import set_quota
from evenflow.gateway.values.fields import Amount
from evenflow.gateway.values.rejections import BrokenRules

MAX_QUEUES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a fleet does to one queue or quota; `changes` maps fields to old and new."""

    path: str
    kind: str  # queue, quota
    outcome: str  # created, changed, unchanged
    changes: Mapping[str, Sequence[object]] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """The definitions so far, seen as if they were made."""

    state: ShardState
    before: frozenset[str]  # paths that had a quota
    queues: dict[str, Queue] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)

    def add(self, definitions: Definitions | None) -> None:
        if definitions is None:
            return
        for queue in definitions.queues:
            self.queues[queue.path] = queue
            self.state.queues[queue.path] = queue
            self.state.queue_paths[queue.id] = queue.path
            if queue.parent:
                self.state.children.setdefault(queue.parent, set()).add(queue.path)
        for quota in definitions.quotas:
            self.quotas[quota.path] = quota
            self.state.quotas[quota.path] = quota


def plan_fleet(
    state: ShardState, fleet: Fleet, given: Sequence[frozenset[str]], context: DefinitionContext
) -> tuple[Definitions | None, list[Applied]]:
    """Return one definition for all that differs, and what happens to each queue and quota.

    `given` names the fields that each queue of the fleet states. Parents go before children.

    Raises:
        BrokenRules: with the rules that any queue breaks.
    """
    if len(fleet.queues) > MAX_QUEUES:
        raise InvalidValue("queues", len(fleet.queues), f"must be at most {MAX_QUEUES}")
    draft = _Draft(_copy(state), frozenset(state.quotas))
    applied: list[Applied] = []
    broken: list[RequestRejected] = []
    seen: set[str] = set()
    paths = [asked.path or asked.name or "" for asked in fleet.queues]
    parents = {above for path in paths for above in lineage(path)[:-1]}
    order = sorted(range(len(fleet.queues)), key=lambda i: paths[i].count("/"))
    for index in order:
        asked = fleet.queues[index]
        path = paths[index]
        try:
            if path in seen:
                raise InvalidValue("path", path, "is stated twice")
            seen.add(path)
            stated = given[index] - {"name", "path", "quota"}
            applied += _apply(draft, path, asked, stated, context, is_parent=path in parents)
        except BrokenRules as error:
            broken += [_at(f"queues.{path}", rule) for rule in error.rules]
        except RequestRejected as error:
            broken.append(_at(f"queues.{path}", error))
    if broken:
        raise BrokenRules(broken)
    if not draft.queues and not draft.quotas:
        return None, applied
    return Definitions(tuple(draft.queues.values()), tuple(draft.quotas.values())), applied


def _at(where: str, error: RequestRejected) -> RequestRejected:
    found = RequestRejected(
        f"{where}: {error}", field=f"{where}.{error.field}", value=error.value, rule=error.rule
    )
    found.status, found.code = error.status, error.code
    return found


def _apply(
    draft: _Draft,
    path: str,
    asked: FleetQueue,
    given: frozenset[str],
    context: DefinitionContext,
    *,
    is_parent: bool,
) -> list[Applied]:
    old = draft.state.queues.get(path)
    if old is None:
        made = create(draft.state, path, asked, given, context)
        if is_parent and "max_concurrent_jobs" not in given:
            # The default of JOB-05 is for queues that hold jobs: above them it would bind them all.
            node = replace(made.queues[-1], max_concurrent_jobs=None)
            made = replace(made, queues=(*made.queues[:-1], node))
        draft.add(made)
        result = [Applied(path, "queue", "created")]
    else:
        changed = change(draft.state, path, asked, given, context)
        draft.add(changed)
        new = draft.state.queues[path]
        differing = {
            f.name: (getattr(old, f.name), getattr(new, f.name))
            for f in fields(Queue)
            if f.name != "updated_at" and getattr(old, f.name) != getattr(new, f.name)
        }
        result = [Applied(path, "queue", "changed" if changed else "unchanged", differing)]
    if asked.quota is not None:
        result.append(_apply_quota(draft, path, asked.quota, context))
    return result


def _apply_quota(
    draft: _Draft, path: str, quota: Mapping[str, Amount | bool], context: DefinitionContext
) -> Applied:
    is_new = path not in draft.before
    asked, given = quota_fields(quota)
    changed = set_quota(draft.state, path, asked, given, context)
    draft.add(changed)
    outcome = "unchanged" if changed is None else "created" if is_new else "changed"
    return Applied(path, "quota", outcome)


def _copy(state: ShardState) -> ShardState:
    """Return a state whose definitions can be drafted upon; its jobs and counters are shared."""
    return replace(
        state,
        queues=dict(state.queues),
        queue_paths=dict(state.queue_paths),
        children={path: set(below) for path, below in state.children.items()},
        quotas=dict(state.quotas),
    )
