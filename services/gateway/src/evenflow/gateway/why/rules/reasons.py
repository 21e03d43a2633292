"""Why a pending job waits, in words. Pure: codes and numbers in, sentences out."""

from collections.abc import Callable, Mapping
from typing import Final

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.resources import MILLI, format_amount
from evenflow.gateway.values.instants import shown_instant

Detail = Mapping[str, str | int]
_NOT_AMOUNTS: Final = frozenset(
    {"tasks", "queue", "executor", "attempt", "until", "resource", "group", "groups", "cluster"}
    | {"level", "required_level", "label", "taint", "placed_tasks", "min_tasks"}
)


def reason_in_words(code: str, detail: Detail, *, ahead: int, queue: str) -> str:
    """Return one sentence on why a pending job waits."""
    try:
        return _WORDS[ReasonCode(code)](detail, ahead, queue)
    except (KeyError, ValueError, TypeError):
        # The numbers come from an engine of another version: show them as they are.
        numbers = ", ".join(f"{name} {value}" for name, value in sorted(detail.items()))
        return f"{code.replace('_', ' ')}" + (f" ({numbers})" if numbers else "")


def _order(_: Detail, ahead: int, queue: str) -> str:
    if ahead:
        return f"{ahead} jobs of {queue} go first" if ahead > 1 else f"1 job of {queue} goes first"
    return "it is the next of its queue; other queues had their turn, or no cycle has looked yet"


def _capacity(detail: Detail, _ahead: int, _queue: str) -> str:
    wanted = ", ".join(
        f"{format_amount(name, amount)} {name}"
        for name, amount in sorted(detail.items())
        if isinstance(amount, int) and name not in _NOT_AMOUNTS
    )
    tasks, groups = int(detail.get("tasks", 1)), int(detail.get("groups", 0))
    if groups:
        # What all tasks ask for together that must start.
        each, where = f"room for {tasks} tasks of {groups} groups, in all ", ""
    else:
        each = f"room for {tasks} tasks of " if tasks > 1 else ""
        where = f" for its group {detail['group']}" if "group" in detail else ""
    level = f" in one {detail['required_level']}" if "required_level" in detail else ""
    return f"not enough is free now: it wants {each}{wanted or 'a node'}{where}{level}"


def _unfittable(detail: Detail, _ahead: int, _queue: str) -> str:
    if "resource" in detail:
        name = str(detail["resource"])
        kind = "limit" if "limit" in detail else "quota"
        return (
            f"it can never start as things are: it wants {_amount(detail, 'wanted')} {name}, "
            f"the {kind} of {detail['queue']} is {_amount(detail, kind)}"
        )
    if (why := _unmet(detail)) is not None:
        return f"it can never start as things are: {why}"
    largest = ", ".join(
        f"{format_amount(key.removeprefix('largest_'), int(value))} {key.removeprefix('largest_')}"
        for key, value in sorted(detail.items())
        if key.startswith("largest_")
    )
    return "it can never start as things are: no nodes could hold all its tasks" + (
        f"; the most a node has is {largest}" if largest else ""
    )


def _unmet(detail: Detail) -> str | None:
    """Say what no node has of what it wants."""
    if "label" in detail:
        label, wanted, known = detail["label"], detail["wanted"], detail["known"]
        has = f"label {label}={wanted}" if wanted else f"a label {label}"
        return f"no node has {has}" + (f"; there are {known}" if known and wanted else "")
    if "labels" in detail:
        return f"no node has all of the labels {detail['labels']}"
    if "taint" in detail:
        return f"no node would have it: it tolerates too little, most often not {detail['taint']}"
    if "short" in detail:
        name = str(detail["short"])
        wanted, most = (format_amount(name, int(detail[k])) for k in ("wanted_each", "largest"))
        return f"a task wants {wanted} {name}, and no node that would do has more than {most}"
    if "required_level" in detail:
        return f"its {detail['tasks']} tasks fit in no single {detail['required_level']}"
    return None


def _over(kind: str) -> Callable[[Detail, int, str], str]:
    def words(detail: Detail, _ahead: int, _queue: str) -> str:
        name = str(detail["resource"])
        return (
            f"the {kind} of {detail['queue']} is used up: {_amount(detail, kind)} {name}, "
            f"and it wants {_amount(detail, 'wanted')}"
        )

    return words


def _budget(detail: Detail, _ahead: int, _queue: str) -> str:
    budget = int(detail["budget"]) / MILLI
    text = (
        f"the {budget:.10g} GPU-hours of {detail['queue']} for this "
        f"{detail.get('period', 'period')} are used up"
    )
    if "until" not in detail:
        return text
    return f"{text}; next period starts {shown_instant(int(detail['until']))}"


def _reserved(detail: Detail, _ahead: int, _queue: str) -> str:
    """Say which reservation it would get in the way of, and until when."""
    name, start, end = detail["reservation"], int(detail["start"]), int(detail["end"])
    owner = detail["for_queue"]
    return (
        f"it would take what reservation {name!r} keeps for {owner} "
        f"from {shown_instant(start)} to {shown_instant(end)}"
    )


def _amount(detail: Detail, key: str) -> str:
    return format_amount(str(detail["resource"]), int(detail[key]))


_WORDS: Final[Mapping[ReasonCode, Callable[[Detail, int, str], str]]] = {
    ReasonCode.ORDER: _order,
    ReasonCode.CAPACITY: _capacity,
    ReasonCode.UNFITTABLE: _unfittable,
    ReasonCode.QUEUE_FULL: lambda d, _a, _q: (
        f"queue {d['queue']} runs its {d['max_concurrent_jobs']} jobs"
    ),
    ReasonCode.QUEUE_DISABLED: lambda d, _a, _q: f"queue {d['queue']} is disabled",
    ReasonCode.QUEUE_LIMIT: _over("limit"),
    ReasonCode.QUOTA_CPU: _over("quota"),
    ReasonCode.QUOTA_MEMORY: _over("quota"),
    ReasonCode.QUOTA_GPU: _over("quota"),
    ReasonCode.QUOTA_OTHER: _over("quota"),
    ReasonCode.QUOTA_JOBS: lambda d, _a, _q: (
        f"the quota of {d['queue']} allows {d['quota']} jobs at once"
    ),
    ReasonCode.QUOTA_BUDGET: _budget,
    ReasonCode.QUOTA_TYPE: lambda d, _a, _q: (
        f"the quota of {d['queue']} allows {d['quota']} {d['job_type']} jobs at once"
    ),
    ReasonCode.PROVIDER_UNAVAILABLE: lambda _d, _a, _q: "the quota provider cannot be reached",
    ReasonCode.NO_CLUSTER: lambda d, _a, _q: (
        f"no node of cluster {d['executor']} is known; is its exporter running?"
    ),
    ReasonCode.RESERVED: _reserved,
    ReasonCode.STOPPING: lambda d, _a, _q: (
        "it waits for 1 job to stop that gives way to it"
        if int(d["victims"]) == 1
        else f"it waits for {d['victims']} jobs to stop that give way to it"
    ),
    ReasonCode.BACKOFF: lambda d, _a, _q: (
        f"attempt {int(d['attempt']) - 1} did not work; the next one waits a little"
    ),
}
