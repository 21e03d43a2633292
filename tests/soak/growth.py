"""What grew by the work done, each with what cuts it: the judgement of `make soak`.

Everything that can grow is listed with its cut. What is not listed is cut by nothing as far as
anybody knows, and counts as a leak once it grows; so does what is listed and grows past its cut.
Troughs are compared, not single looks: a store that is cut goes up and down.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_KIB: Final = 2**10
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Cut:
    """What bounds a store: in words, in bytes, and how fast it may grow until then."""

    by: str
    most_bytes: int
    per_thousand_bytes: int = 64 * _KIB


@dataclass(frozen=True, slots=True)
class Look:
    """What everything held at one time, in bytes by name, and how many jobs had been taken."""

    jobs: int
    held: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `leak` says why it is one, "" when it is none."""

    what: str
    held_bytes: int
    grown_bytes: int
    per_thousand_bytes: int
    cut_by: str
    leak: str


# The patterns are tried in order, against the whole name. Sizes are for the settings of `run.py`.
CUTS: Final[Mapping[str, Cut]] = {
    r"memory nats": Cut(
        "the broker's caches are bounded; streams by their limits", 512 * _MIB, _MIB
    ),
    r"memory valkey": Cut("the window of usage", 128 * _MIB, 256 * _KIB),
    r"memory .*": Cut(
        "ended jobs leave the state; the newest 50,000 of their ids and 5,000 users stay",
        400 * _MIB,
        2 * _MIB,
    ),
    r"log EVENFLOW_main": Cut(
        "log_store.keep, the readers' cursors, the last base but one; log_store.max_bytes",
        80 * _MIB,
        512 * _KIB,
    ),
    # By time, not by jobs: some 3 kB a second at a poll every 5 s, until they are of that age.
    r"samples EVENFLOW_main_samples": Cut("an age: usage.keep_samples", 64 * _MIB, 512 * _KIB),
    r"dead letters EVENFLOW_main_DEAD": Cut("30 days, 64 MiB", 80 * _MIB, 0),
    r"bases OBJ_EVENFLOW_main_checkpoints": Cut(
        "the newest 3, one near each cursor, one for each tenth of history", 64 * _MIB, _MIB
    ),
    r"kv KV_EVENFLOW_main_(access|cursors|leases)": Cut(
        "the newest value of each key", 8 * _MIB, 128 * _KIB
    ),
    r"disk valkey": Cut("the window; the server rewrites its file as it doubles", 192 * _MIB),
    r"disk gateway": Cut(
        "gateway.keep_ended, gateway.keep_ended_rows; usage.history", 64 * _MIB, 512 * _KIB
    ),
    r"disk logs": Cut("rotated by size", 256 * _MIB, 256 * _KIB),
    r"disk jobs": Cut("the binder's retention of ended runs", 64 * _MIB, _MIB),
    r"disk nats": Cut("one configuration and the server's own files", 16 * _MIB, 0),
    r"disk run": Cut("one file a process", _MIB, 0),
    r"disk secrets": Cut("written once", _MIB, 0),
}
# Below these a difference is a page more or less, not growth.
_NOISE_BYTES: Final = {"memory": 4 * _MIB}
_NOISE_OF_DISK: Final = 512 * _KIB


def grown(looks: Sequence[Look]) -> list[Row]:
    """Return one row for each thing: its growth from the middle third to the last.

    The first third is left out: caches fill, allocators settle, the first cuts are still to come.
    """
    third = max(1, len(looks) // 3)
    middle, last = looks[-2 * third : -third] or looks[:1], looks[-third:]
    jobs = max(1, _mean(look.jobs for look in last) - _mean(look.jobs for look in middle))
    names = sorted({name for look in looks for name in look.held})
    return [_row(name, _trough(middle, name), _trough(last, name), jobs) for name in names]


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a table for docs/soak.md."""
    lines = ["| What | Holds, MiB | Per 1,000 jobs, KiB | Cut by |", "|---|--:|--:|---|"]
    lines += [
        f"| {row.what} | {row.held_bytes / _MIB:,.1f} | {row.per_thousand_bytes / _KIB:,.0f} "
        f"| {row.cut_by}{' **LEAK: ' + row.leak + '**' if row.leak else ''} |"
        for row in rows
    ]
    return "\n".join(lines)


def _row(what: str, before: int, held: int, jobs: int) -> Row:
    by = held - before
    each = by * 1000 // jobs
    cut = next((cut for name, cut in CUTS.items() if re.fullmatch(name, what)), None)
    return Row(what, held, by, each, cut.by if cut else "nothing", _leak(what, held, by, each, cut))


def _leak(what: str, held: int, by: int, each: int, cut: Cut | None) -> str:
    if cut is not None and held > cut.most_bytes:
        return f"it holds more than the {cut.most_bytes:,} bytes of its cut"
    if by <= _NOISE_BYTES.get(what.partition(" ")[0], _NOISE_OF_DISK):
        return ""
    if cut is None:
        return "it grows, and nothing cuts it"
    if each > cut.per_thousand_bytes:
        return f"it grows faster than the {cut.per_thousand_bytes:,} bytes that its cut lets by"
    return ""


def _trough(looks: Sequence[Look], name: str) -> int:
    return min(look.held.get(name, 0) for look in looks)


def _mean(numbers: Iterable[int]) -> int:
    counted = list(numbers)
    return sum(counted) // len(counted)
