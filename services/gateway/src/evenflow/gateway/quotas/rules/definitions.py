"""From what clients ask about quotas to what shall be defined. Pure."""

from dataclasses import replace

from evenflow.common.domain.errors import NotFound, RequestRejected
from evenflow.common.domain.queues.queue import Queue, check_path
from evenflow.common.domain.quotas.quota import Quota, broken_rules
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.queues.rules.projects import (
    DefinitionContext,
    Definitions,
    new_project,
    project_with_default_queue,
)
from evenflow.gateway.quotas.rules.fields import (
    TYPE_FIELDS,
    QuotaFields,
    quota_amounts,
    quota_budget,
)
from evenflow.gateway.values.fields import UNLIMITED
from evenflow.gateway.values.rejections import BrokenRules


def quota_of(state: ShardState, key: str, context: DefinitionContext) -> tuple[str, Quota]:
    """Return the path and the quota of a queue; of a project that nobody defined, the defaults."""
    queue = state.queue(key)
    if queue is not None:
        return queue.path, state.quotas.get(queue.path) or Quota(queue.path)
    check_path(key, field="project_id")
    if "/" in key:
        raise NotFound("queue", key[:200], "see `evenflow queues`")
    return key, (new_project(key, context.now, context.new_id)[1] or (Quota(key),))[0]


def set_quota(
    state: ShardState,
    key: str,
    fields: QuotaFields,
    given: frozenset[str],
    context: DefinitionContext,
) -> Definitions | None:
    """Return the quota as changed, with its project when that is new; None when it is so already.

    Raises:
        RequestRejected: no such queue, or a bad value.
    """
    path, known = quota_of(state, key, context)
    broken: list[RequestRejected] = []
    by_type = dict(known.max_by_type)
    for name, job_type in TYPE_FIELDS.items():
        if name in given:
            most = getattr(fields, name)
            by_type.pop(job_type, None)
            if most not in UNLIMITED:
                by_type[job_type] = most
    hours, period = quota_budget(fields, given, known, broken)
    quota = replace(
        known,
        resources=quota_amounts(fields, given, known.resources, broken),
        max_by_type=by_type,
        gpu_hours=hours,
        period=period,
    )
    if "max_concurrent_jobs" in given:
        most = fields.max_concurrent_jobs
        quota = replace(quota, max_jobs=None if most in UNLIMITED else most)
    if "enforce_quota" in given:
        quota = replace(quota, enforce=fields.enforce_quota is not False)
    broken.extend(broken_rules(quota))
    if broken:
        raise BrokenRules(broken)
    made: tuple[Queue, ...] = ()
    if path not in state.queues:
        made = project_with_default_queue(path, context.now, context.new_id).queues
    elif quota == known and path in state.quotas:
        return None
    created_at = known.created_at or context.now
    return Definitions(made, (replace(quota, created_at=created_at, updated_at=context.now),))
