"""The nodes and queues of a fleet file."""

from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues import queue as queue_rules
from evenflow.common.domain.queues.queue import Queue, check_path, lineage
from evenflow.common.domain.quotas import quota as quota_rules
from evenflow.common.domain.quotas.quota import Quota
from evenflow.policy_engine.core.ordering.policies import BUILT_IN
from evenflow.simulator.core_run.machine import BEGIN, CLUSTER
from evenflow.simulator.traces.fields import Fields

MOST_NODES: Final = 100_000
DEFAULT: Final = "default/default"
_NODE_KEYS: Final = ("name", "count", "resources", "labels")
_QUEUE_KEYS: Final = (
    "weight",
    "deserved",
    "limit",
    "policy",
    "priority",
    "max_concurrent_jobs",
    "quota",
)


def read_nodes(fields: Fields) -> list[Node]:
    """Return the nodes: single ones by their name, those of a group numbered from 1."""
    nodes: dict[str, Node] = {}
    for number, found in enumerate(fields.items("nodes")):
        group = Fields(found, f"nodes[{number}]", known=_NODE_KEYS)
        group.need("name", "resources")
        name, count = group.text("name"), group.whole("count", 1, least=1, most=MOST_NODES)
        capacity, labels = group.amounts("resources") or {}, group.labels("labels")
        if not capacity:
            raise InvalidValue(group.at("resources"), {}, "must name a resource")
        width = len(str(count))
        for index in range(1, count + 1):
            full = f"{name}-{index:0{width}d}" if group.has("count") else name
            if full in nodes:
                raise InvalidValue(group.at("name"), name, f"makes a second node {full!r}")
            nodes[full] = Node(full, CLUSTER, capacity, labels)
        if len(nodes) > MOST_NODES:
            raise InvalidValue("nodes", len(nodes), f"must be at most {MOST_NODES}")
    if not nodes:
        raise InvalidValue("nodes", [], "must have at least one node")
    return list(nodes.values())


def read_queues(fields: Fields) -> tuple[list[Queue], list[Quota]]:
    """Return all queues, parents first, and their quotas; without any, the default queue."""
    given = fields.raw("queues") or {DEFAULT: None}
    if not isinstance(given, dict):
        raise InvalidValue("queues", given, "must be a mapping of paths, such as research/train")
    queues: dict[str, Queue] = {}
    quotas: list[Quota] = []
    for path, found in given.items():
        check_path(str(path), field="queues")
        entry = Fields(found, f"queues.{path}", known=_QUEUE_KEYS)
        queues[str(path)] = _queue(str(path), entry)
        amounts = entry.amounts("quota")
        if amounts is not None:
            quota = Quota(str(path), amounts, created_at=BEGIN)
            if broken := next(quota_rules.broken_rules(quota), None):
                raise InvalidValue(entry.at("quota"), broken.value, broken.rule)
            quotas.append(quota)
    for path in list(queues):
        for above in lineage(path)[:-1]:
            queues.setdefault(above, _named(above))
    return sorted(queues.values(), key=lambda queue: queue.path), quotas


def _queue(path: str, entry: Fields) -> Queue:
    policy = entry.text("policy") or None
    if policy is not None and policy not in BUILT_IN:
        raise InvalidValue(entry.at("policy"), policy, f"must be one of {', '.join(BUILT_IN)}")
    most_jobs = entry.whole("max_concurrent_jobs", 1, least=1)
    queue = Queue(
        _id(path),
        path,
        priority=entry.whole("priority", 0),
        weight=entry.number("weight", 1.0),
        deserved=entry.amounts("deserved"),
        limit=entry.amounts("limit"),
        max_concurrent_jobs=most_jobs if entry.has("max_concurrent_jobs") else None,
        policy=policy,
        created_at=BEGIN,
    )
    if broken := next(queue_rules.broken_rules(queue), None):
        raise InvalidValue(entry.at(broken.field), broken.value, broken.rule)
    return queue


def _named(path: str) -> Queue:
    return Queue(_id(path), path, created_at=BEGIN)


def _id(path: str) -> str:
    return f"queue-{path}"
