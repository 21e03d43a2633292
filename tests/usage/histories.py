"""Histories of samples and polls for property tests, and what they must come to."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.testing.builders import T0
from evenflow.usage_aggregator.core import ledger_codec
from evenflow.usage_aggregator.core.ledger import Ledger, Verdict
from evenflow.usage_aggregator.core.window import Recurring, Sliding, Window

SOURCE = ledger_codec.Source("log-1", "log")
QUEUES = ("a/x", "a/y", "b")

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("sample"),
            st.integers(-400, 3),  # its end from now, seconds
            st.integers(0, 200),  # its length
            st.floats(0.001, 1e6),
            st.sampled_from(QUEUES),
        ),
        st.tuples(st.just("poll"), st.integers(0, 90)),
        st.tuples(st.just("gap"), st.integers(90, 2000)),
        st.just(("again",)),
        st.just(("restart",)),
    ),
    min_size=1,
    max_size=40,
)


@dataclass(slots=True)
class Store:
    """What is kept of a ledger, as Redis would."""

    state: str | None = None
    pieces: dict[str, bytes] = field(default_factory=dict)

    def write(self, ledger: Ledger) -> None:
        changed = ledger_codec.changed_pieces(ledger, is_new_series=True)
        for name in changed.forgotten:
            self.pieces.pop(name, None)
        self.pieces.update(changed.written)
        self.state = ledger_codec.dump_state(ledger, SOURCE, "mark")
        ledger_codec.mark_written(ledger)

    def read(self, half_life_us: int, window: Window) -> Ledger:
        if self.state is None:
            return Ledger(half_life_us, window)
        found = ledger_codec.read_state(self.state, SOURCE, half_life_us, window)
        assert found is not None
        assert found.mark == "mark"
        pieces = {name: self.pieces[name] for name in found.names}
        ledger = ledger_codec.restore_ledger(found, pieces, half_life_us, window)
        assert ledger is not None
        return ledger

    def restore_rows(self, ledger: Ledger, now: Instant) -> None:
        key = ledger.slot_needing_rows(now)
        if key is not None:
            names = ledger_codec.row_names(key, ledger.slots[key].rows_kept)
            ledger.restore_rows(
                key, [row for n in names for row in ledger_codec.rows_of(self.pieces[n])]
            )


@dataclass(slots=True)
class History:
    """Plays steps on a ledger and remembers what was told."""

    half_life_us: int
    window: Window
    now: Instant = T0
    told: list[UsageSample] = field(default_factory=list)
    store: Store = field(default_factory=Store)
    ledger: Ledger = field(init=False)
    unkept: int = 0  # samples that a restart loses, because no poll came after them

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.half_life_us, self.window)

    def play(self, step: tuple) -> bool:
        """Do a step; say whether it was a poll, after which sums may be looked at."""
        kind, *more = step
        if kind == "sample":
            self._tell(*more)
        elif kind == "again" and self.told:
            assert self.ledger.fold(self.told[-1], latest=self.now + 5 * SECOND) in (
                Verdict.DUPLICATE,
                Verdict.FUTURE,
            )
        elif kind == "restart":
            # As a process that dies: what no poll has kept is told again by the source.
            self.ledger = self.store.read(self.half_life_us, self.window)
            for sample in self.told:
                self.ledger.fold(sample, latest=self.now + 5 * SECOND)
        elif kind in ("poll", "gap"):
            self.now += more[0] * SECOND
            self.ledger.forget_unused(self.now)
            self.store.restore_rows(self.ledger, self.now)
            self.ledger.sums_at(self.now)
            self.store.write(self.ledger)
            self.store.restore_rows(self.ledger, self.now)
            return True
        return False

    def summed(self, queue: str) -> float:
        sums = self.ledger.sums_at(self.now)
        table = self.ledger.groups.tables(sums)["queues"]
        if queue not in table.names:
            return 0.0
        at = table.names.index(queue)
        return float(table.columns["gpu"][at]) * self.ledger.scale_at(self.now)

    def closed_form(self, queue: str) -> float:
        samples = [s for s in self.told if s.entries[0].queue == queue]
        return math.fsum(counted(samples, self.half_life_us, self.window, self.now))

    def _tell(self, ago: int, length: int, amount: float, queue: str) -> None:
        end = self.now + ago * SECOND
        entry = UsageEntry("job", queue, queue.partition("/")[0], "ann", {"gpu": amount})
        sample = UsageSample(
            f"s{len(self.told)}", end - length * SECOND, end, (entry,), {"gpu": 4.0}
        )
        assert self.ledger.fold(sample, latest=self.now + 5 * SECOND) is Verdict.FOLDED
        self.told.append(sample)


def counted(
    samples: Iterable[UsageSample], half_life_us: int, window: Window, now: Instant
) -> Iterable[float]:
    """What each sample counts, by the definitions of the windows and nothing else."""
    for sample in samples:
        (amount,) = sample.entries[0].amounts.values()
        begin, end = sample.interval_start, sample.interval_end
        if isinstance(window, Sliding):
            if now - end > window.size_us:
                continue
        elif isinstance(window, Recurring):
            period = window.calendar.period(now)
            if period is None or end <= period.opened_at or begin > period.closes_at:
                continue
            within = min(end, period.closes_at) - max(begin, period.opened_at)
            if end > begin:
                amount *= within / (end - begin)
            if begin == period.closes_at:
                continue
            end = min(end, period.closes_at)
        yield (
            amount * math.exp(-math.log(2) * (now - end) / half_life_us)
            if half_life_us
            else (amount)
        )
