"""What came of a replay, in a terminal and as JSON."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from evenflow.cli.display.console import out, show
from evenflow.cli.display.words import count
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.decisions.decisions import Eviction, Placement, ReasonChange, Rejection
from evenflow.policy_engine.core.cycle import CORE_VERSION
from evenflow.simulator.replay.recording.recorded_log import RecordedLog
from evenflow.simulator.replay.replay_log import Difference, ReplayResult

_SHOWN: Final = 10  # jobs of one cycle


def show_difference(difference: Difference, cycles: int) -> None:
    """Print where the past parts from what is decided now."""
    before = count(cycles - 1, "cycle")
    show(
        f"the cycle at sequence {difference.sequence} ({instant(difference.at)}) is decided "
        f"otherwise; {before} before it came out the same",
        "red",
    )
    out().print(Text(f"  it differs in: {', '.join(difference.parts) or 'what it was made with'}"))
    changes = list(difference.changes())
    for part, job_id, recorded, again in changes[:_SHOWN]:
        out().print(
            Text.assemble(
                (f"  {part[:-1]} of {job_id}\n" if job_id else f"  order of the {part}\n"),
                ("    recorded  ", "dim"),
                f"{in_words(recorded)}\n",
                ("    now       ", "dim"),
                in_words(again),
            ),
            soft_wrap=True,
        )
    if len(changes) > _SHOWN:
        show(f"  and {len(changes) - _SHOWN} more")


def in_words(record: object) -> str:
    """Return what a decision says of one job, in a line."""
    match record:
        case None:
            return "nothing"
        case Placement():
            nodes = [t.node + (f" {list(t.devices)}" if t.devices else "") for t in record.tasks]
            more = f" and {len(nodes) - 4} more" if len(nodes) > 4 else ""  # noqa: PLR2004 - a line
            return f"attempt {record.attempt} on {', '.join(nodes[:4])}{more}"
        case Eviction():
            return f"attempt {record.attempt} stops: {record.reason} {record.detail}".rstrip()
        case Rejection():
            return record.message
        case ReasonChange():
            detail = ", ".join(f"{k} {v}" for k, v in record.reason.detail.items())
            return record.reason.code + (f" ({detail})" if detail else "")
    return str(record)


def instant(at: Instant) -> str:
    """Return an instant of the shard's clock for people."""
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"


def replay_document(past: RecordedLog, found: ReplayResult) -> dict[str, Any]:
    """Return the comparison for programs."""
    return {
        "source": past.source,
        "from": past.begin,
        "to": past.end,
        "base": past.base_sequence,
        "cycles": found.cycles,
        "core_version": CORE_VERSION,
        "other_core_versions": found.versions,
        "differing": [difference_document(each) for each in found.differences],
    }


def difference_document(difference: Difference) -> dict[str, Any]:
    """Return one differing cycle for programs."""
    return {
        "sequence": difference.sequence,
        "at": instant(difference.at),
        "differs_in": list(difference.parts),
        "changes": [
            {"part": part, "job_id": job_id, "recorded": _plain(recorded), "now": _plain(again)}
            for part, job_id, recorded, again in difference.changes()
        ],
    }


def _plain(record: object) -> Any:
    if isinstance(record, Placement | Eviction | Rejection | ReasonChange):
        return asdict(record)
    return record
