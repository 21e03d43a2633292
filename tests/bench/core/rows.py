"""The speed table of the core: what is measured, in figures, beside its budget."""

import statistics
from collections.abc import Callable, Iterator

from tests.bench.core import memory as core_memory
from tests.bench.core import scale as core_scale
from tests.bench.core.world import CPU_PODS, GPU_MIX, ONE_SHAPE
from tests.bench.live.latency import quantiles

Row = tuple[str, str, str]
"""What, figure, budget."""

FILL = "core: full fill, 10 shapes, 10,000 nodes, 100,000 pending, 1,000 queues"
FILL_ONE = "core: the same, one shape"
EVENT = "core: one event on that cluster, full, {:,} pending"
PODS = "core: one event, 4,000 nodes, 140,000 running pods"
CYCLE = "core: one cycle, 10,000 pending in 100 queues"
BURST = "core: 10,000 submissions on a full cluster, 100,000 pending"


def bench_fill(rounds: int = 3) -> Iterator[Row]:
    """A whole fill from empty, in decisions as long as the service's."""
    for what, mix in ((FILL, GPU_MIX), (FILL_ONE, ONE_SHAPE)):
        fills = [core_scale.fill(core_scale.waiting_world(mix)) for _ in range(rounds)]
        deciding = statistics.median(each.placed / each.deciding for each in fills)
        whole = statistics.median(each.placed / each.whole for each in fills)
        figure = f"{deciding:,.0f} placements/s, {whole:,.0f} with the folds"
        yield f"{what} ({fills[0].placed:,} start)", figure, "50,000 placements/s"


def bench_event(*, million: bool = False) -> Iterator[Row]:
    """One event at growing numbers of pending jobs, on one cluster."""
    world = core_scale.heads_world()
    first = 0.0
    for pending in (*core_scale.PENDING, *([core_scale.MILLION] if million else [])):
        told = core_scale.events(world, pending, GPU_MIX)
        what = EVENT.format(pending)
        p50 = statistics.median(told.seconds)
        first = first or p50
        yield what, f"{times_of(told)}, {p50 / first:.2f} times the first", "1 ms, p99 5 ms; 1.2"
        yield f"{what}: looked at", effort_of(told), ""
        yield f"{what}: collector, memory", collector_of(told), ""


def bench_pods() -> Iterator[Row]:
    """One event among many small pods."""
    world = core_scale.pods_world()
    told = core_scale.events(world, 10_000, CPU_PODS)
    yield f"{PODS} ({len(world.live):,})", times_of(told), "5 ms"
    yield f"{PODS}: looked at", effort_of(told), ""


def bench_cycle() -> Iterator[Row]:
    """SCH-17, on 1,000 idle nodes: as long as a decision may be, and as long as a message."""
    for most in (500, 10_000):
        world = core_scale.cycle_world(most)
        seconds, placed = core_scale.one_cycle(world)
        yield f"{CYCLE}, {placed:,} start", f"{seconds * 1000:.1f} ms", "250 ms"


def bench_burst() -> Iterator[Row]:
    """Submissions that find no room, in messages of 500."""
    whole, slowest = core_scale.burst(core_scale.full_world(100_000))
    figure = f"{whole * 1000:.0f} ms, {whole / 10_000 * 1e6:.0f} µs each"
    yield BURST, f"{figure}, slowest message {slowest * 1000:.1f} ms", ""


def bench_memory(pending: int = 100_000) -> Iterator[Row]:
    """A waiting job in every service that folds the log, and in the engine."""
    for what, is_indexed in (("the folded state", False), ("the engine, state included", True)):
        figure = f"{core_memory.bytes_a_job(pending, is_indexed=is_indexed):,.0f} bytes a job"
        yield f"core: memory of {pending:,} pending in {what}", figure, "1,500 bytes a job"


def times_of(told: core_scale.Events) -> str:
    """Return p50, p99 and the longest event, the collector's pauses included."""
    p50, p99 = quantiles(told.seconds)
    return f"p50 {p50:.2f}, p99 {p99:.2f}, max {max(told.seconds) * 1000:.2f} ms"


def effort_of(told: core_scale.Events) -> str:
    """Return what the core looked at for an event: on average, and at most."""
    quiet, _ = quantiles(told.quiet)
    started = (
        f"{told.started / len(told.seconds):.1f} start; the empty cycle after it {quiet:.2f} ms"
    )
    if not told.efforts:
        return f"shapes tried -, queues touched -; {started}"
    shapes = [shapes for shapes, _ in told.efforts]
    queues = [queues for _, queues in told.efforts]
    return (
        f"shapes tried {statistics.fmean(shapes):.1f} (most {max(shapes)}), "
        f"queues touched {statistics.fmean(queues):.1f} (most {max(queues)}); {started}"
    )


def collector_of(told: core_scale.Events) -> str:
    """Return what the collector did during the events, and what a full collection takes."""
    return (
        f"{told.collections} collections, longest {told.longest_pause * 1000:.1f} ms; "
        f"a full one {told.full_collection * 1000:.0f} ms; {told.resident_mib:.0f} MiB"
    )


BENCHES: dict[str, Callable[[], Iterator[Row]]] = {
    "core-fill": bench_fill,
    "core-event": bench_event,
    "core-pods": bench_pods,
    "core-cycle": bench_cycle,
    "core-burst": bench_burst,
    "core-memory": bench_memory,
}
