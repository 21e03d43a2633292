"""The queues above a job, level by level: what each may hold, and which sibling goes first."""

from collections.abc import Mapping

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.plugins.policy import PARTS
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import minus, plus
from evenflow.policy_engine.core.explain.explanation import Basis, Because, Level, QueueAhead
from evenflow.policy_engine.core.state.engine_state import EngineState


def levels(state: EngineState, job: Job) -> tuple[Level, ...]:
    """Return the queues of a job from its project down to its own."""
    placed = state.live.placement_of(job.spec.id)
    whole = whole_request(job.spec, len(placed) or None)
    waiting = _waiting(state)
    return tuple(
        _level(state, path, whole, is_held=bool(placed), waiting=waiting)
        for path in lineage(job.spec.queue)
        if path in state.shard.queues
    )


def _level(
    state: EngineState,
    path: str,
    whole: Mapping[str, int],
    *,
    is_held: bool,
    waiting: Mapping[str, Mapping[str, None]],
) -> Level:
    held = dict(state.commitments.resources(path))
    before, after = (minus(held, whole), held) if is_held else (held, plus(held, whole))
    return Level(
        path,
        fair_share={name: int(part) for name, part in sorted(state.shares.of(path).items())},
        held={name: amount for name, amount in sorted(held.items()) if amount},
        request={name: n for name, n in sorted(state.shares.request_of(path).items()) if n},
        usage_ratio=state.history.usage((path, "")) / PARTS,
        saturation_before=state.keys.saturation(path, before),
        saturation_after=state.keys.saturation(path, after),
        ahead=None if is_held else _ahead(state, path, waiting),
    )


def _waiting(state: EngineState) -> dict[str, dict[str, None]]:
    """Return the queues below which a job waits for room or its turn, by the queue above them."""
    found: dict[str, dict[str, None]] = {}
    for leaf in state.waiting.leaves():
        # What its own gate holds back takes no turn from others.
        if state.waiting.head_or_none(leaf) and state.waiting.class_of(leaf).refused_at is None:
            for path in lineage(leaf):
                found.setdefault(path.rpartition("/")[0], {})[path] = None
    return found


def _ahead(
    state: EngineState, path: str, waiting: Mapping[str, Mapping[str, None]]
) -> QueueAhead | None:
    queues = state.shard.queues
    siblings = [each for each in waiting.get(path.rpartition("/")[0], ()) if each in queues]
    key = state.key_of(path)
    first = min([(state.key_of(each), each) for each in siblings if each != path], default=None)
    if first is None or not first[0] < key:
        return None
    return QueueAhead(first[1], _because(state, first[1], path))


def _because(state: EngineState, other: str, path: str) -> Because:
    """Return the first part of the keys in which two siblings differ."""
    queues, pair = state.shard.queues, (other, path)
    by_usage = (Basis.USAGE, [state.history.usage((each, "")) / PARTS for each in pair])
    by_saturation = (
        Basis.SATURATION,
        [state.keys.saturation(each, state.commitments.resources(each)) for each in pair],
    )
    is_tree = state.keys.is_tree(path)
    parts = [
        (Basis.PRIORITY, [float(queues[each].priority) for each in pair]),
        *((by_usage, by_saturation) if is_tree else (by_saturation, by_usage)),
    ]
    theirs, mine = state.key_of(other), state.key_of(path)
    for ours, others, (basis, numbers) in zip(mine, theirs, parts, strict=False):
        if ours != others:
            return Because(basis, *numbers)
    return Because(Basis.OLDER, queues[other].created_at, queues[path].created_at)
