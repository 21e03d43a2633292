"""What the page shows: the whole state, cut to what fits one page."""

from typing_extensions import TypedDict

from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.edge.permits import projects_of, sees
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.documents import JobDocument, job_document
from evenflow.gateway.jobs.visibility import shown_row
from evenflow.gateway.nodes.documents import NodeDocument, node_document
from evenflow.gateway.queues.documents import QueueDocument, queue_document
from evenflow.gateway.queues.rules.shares import Shares
from evenflow.gateway.status.documents import StatusDocument
from evenflow.gateway.status.report import status_document
from evenflow.gateway.usage.in_use import CurrentUsage, expected_usage
from evenflow.gateway.why.rules.reasons import reason_in_words

_JOBS, _NODES, _QUEUES = 50, 200, 200


class PageJob(TypedDict):
    """A job as the page lists it."""

    id: str
    name: str
    queue: str
    user_id: str
    status: str
    phase: str
    attempt: int
    nodes: str
    submitted_at: str
    reason: str


class PageQueue(QueueDocument):
    """A queue as the page lists it; `used_ratio` is its decayed usage of the cluster, 0 to 1.

    It is of the resource where that is most, and None without a snapshot.
    """

    used_ratio: float | None
    alerts: list[str]


class PageDocument(TypedDict):
    """Everything that the page shows; lists are cut to what fits one."""

    status: StatusDocument
    usage_text: str
    queues: list[PageQueue]
    nodes: list[NodeDocument]
    jobs: list[PageJob]


async def page_document(gateway: Gateway, principal: Principal) -> PageDocument:
    """Return the state as it is now, as far as it exists for who looks."""
    rows = await gateway.reads.newest(_JOBS, projects_of(principal))
    state, now = gateway.state(), gateway.now()
    shares, used = Shares(state), expected_usage(gateway)
    shown = [queue for path, queue in sorted(state.queues.items()) if sees(principal, path)]
    queues = shown[:_QUEUES]
    return PageDocument(
        status=status_document(gateway, principal),
        usage_text=_usage_in_words(used),
        queues=[_page_queue(queue_document(shares, queue), state, used) for queue in queues],
        nodes=[node_document(state, name, now) for name in sorted(state.nodes)[:_NODES]],
        jobs=[_page_job(job_document(shown_row(row, principal))) for row in rows],
    )


def _page_queue(queue: QueueDocument, state: ShardState, used: CurrentUsage) -> PageQueue:
    path = queue["path"]
    levels = state.quota_levels.get(path, {})
    columns = None if used.snapshot is None else used.snapshot.content.queues
    ratio = None
    if columns is not None:
        ratio = max((columns.ratio_of(path, name) for name in columns.normalized), default=0.0)
    return PageQueue(
        **queue,
        used_ratio=ratio,
        alerts=[f"{name} {level / 10:g} % of quota" for name, level in sorted(levels.items())],
    )


def _usage_in_words(used: CurrentUsage) -> str:
    age = used.age_seconds
    old = "there is no snapshot yet" if age is None else f"the snapshot is {age:,.0f} s old"
    if used.freshness == "unavailable":
        return f"Usage history is unavailable, so it counts for nobody: {old}."
    return f"Usage history is {used.freshness}: {old}."


def _page_job(job: JobDocument) -> PageJob:
    reason = job["reason"]
    if reason is not None:
        words = reason_in_words(reason["code"], reason["detail"], ahead=0, queue=job["queue"])
    else:
        words = job["error_message"] or ""
    return PageJob(
        id=job["id"],
        name=job["name"],
        queue=job["queue"],
        user_id=job["user_id"],
        status=job["status"],
        phase=job["phase"],
        attempt=job["attempt"],
        nodes=", ".join(job["nodes"][:3]) + (" …" if len(job["nodes"]) > 3 else ""),  # noqa: PLR2004
        submitted_at=job["submitted_at"],
        reason=words,
    )
