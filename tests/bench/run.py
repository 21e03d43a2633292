"""`make bench`: measure, print a table, and write docs/benchmarks.md's figures when asked.

Nothing here asserts a time: machines differ and are shared. Budgets stand beside the figures.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.black_hole import bench_black_hole
from tests.bench.core import lives as core
from tests.bench.core import rows as core_rows
from tests.bench.live import latency, restart, sustained
from tests.bench.live.system import a_system
from tests.bench.published import peers
from tests.bench.usage.costs import bench_usage
from tests.bench.usage.queries import bench_usage_queries
from tests.bench.usage.scale import bench_usage_scale

Row = core_rows.Row
PUBLISHED = "What others published: on other machines, and most with an API server in it"


def bench_core() -> Iterator[Row]:
    for count in (10_000, 50_000):
        figures = [core.life_of_jobs(count) for _ in range(3)]
        for name, words in (
            ("submit_us", "fold a submission"),
            ("decide_us", "decide a job"),
            ("life_us", "whole life in the engine's core"),
        ):
            median = statistics.median(each[name] for each in figures)
            yield f"core, {count:,} jobs: {words}", f"{median:.0f} µs a job", ""
    for pending in (1_000, 100_000):
        p50, p99 = latency.quantiles(core.event_on_a_full_cluster(pending))
        what = f"core: one event on a full cluster, {pending:,} pending"
        yield what, f"p50 {p50:.2f} ms, p99 {p99:.2f} ms", "1 ms, p99 5 ms"


def bench_latency() -> Iterator[Row]:
    with a_system() as system:
        yield "evenflow up to ready", f"{system.ready_seconds:.1f} s", "10 s"
        asyncio.run(latency.one_by_one(system, 30))  # warm up
        p50, p99 = latency.quantiles(asyncio.run(latency.one_by_one(system, 500)))
        yield "submit → running, one at a time", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", "30, 100 ms"
        taken, rate = asyncio.run(latency.from_clients(system, 8, 2000))
        p50, p99 = latency.quantiles(taken)
        figure = f"{rate:,.0f} POSTs/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        yield "submit → running, single POSTs from 8 clients", figure, ""


def bench_sustained(counts: tuple[int, ...] = (1_000, 10_000, 100_000)) -> Iterator[Row]:
    with a_system() as system:
        sustained.sustained(system, 2_000)  # warm up
        for count in counts:
            before = system.cpu_seconds()
            whole, accepted = sustained.sustained(system, count)
            figure = f"{whole:,.0f} jobs/s (accepted at {accepted:,.0f}/s)"
            yield f"submit → succeeded, {count:,} jobs in batches", figure, "3,000 jobs/s"
        after = system.cpu_seconds()
        each = {name: (used - before[name]) / counts[-1] * 1e6 for name, used in after.items()}
        told = ", ".join(f"{name} {us:.0f}" for name, us in each.items())
        yield f"CPU of {counts[-1]:,} jobs, µs a job", f"{sum(each.values()):.0f}: {told}", ""
        for name, mib in system.resident_mib().items():
            yield f"memory of {name} after {sum(counts):,} jobs", f"{mib:.0f} MiB", ""


def bench_restart(pending: int = 100_000) -> Iterator[Row]:
    with a_system(EVENFLOW_CHECKPOINT__EVERY_SECONDS="5") as system:
        figures = restart.restart(system, pending)
        what = f"engine killed with {pending:,} pending: until the next leads"
        yield what, f"{figures['seconds']:.1f} s", "10 s at 1,000,000"
        memory = f"{figures['rss_after']:.0f} MiB (peak {figures['rss_peak']:.0f})"
        yield f"memory of the engine with {pending:,} pending", memory, "1.5 GB at 1,000,000"


BENCHES: dict[str, Callable[[], Iterator[Row]]] = {
    "core": bench_core,
    **core_rows.BENCHES,
    "latency": bench_latency,
    "sustained": bench_sustained,
    "restart": bench_restart,
    "usage": bench_usage,
    "usage-scale": bench_usage_scale,
    "usage-queries": bench_usage_queries,
    "black-hole": bench_black_hole,
}


def conditions() -> str:
    """The machine, in a line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure Evenflow.")
    parser.add_argument("only", nargs="*", metavar="BENCH", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    parser.add_argument(
        "--million",
        action="store_true",
        help="core-event with 1,000,000 pending too",
    )
    options = parser.parse_args()
    benches = BENCHES | {
        "core-event": partial(core_rows.bench_event, million=options.million),
    }
    if unknown := set(options.only) - set(BENCHES):
        parser.error(f"no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    where = conditions()
    rows: list[Row] = []
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=len(options.only or benches))
        for name in options.only or benches:
            progress.update(task, description=f"measuring {name}")
            for row in benches[name]():
                rows.append(row)
                progress.console.print(f"{row[0]}: {row[1]}", highlight=False)
            progress.advance(task)
    table = Table("what", "figure", "budget", title=where)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    published = list(peers.beside(rows))
    if published:
        others = Table("ours", "a peer", "published", "conditions", title=PUBLISHED)
        others.add_column("source", overflow="fold")
        for each in published:
            others.add_row(*each)
        console.print(others)
    if options.markdown:
        lines = [where, "", "| what | figure | budget |", "| --- | --- | --- |"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        if published:
            lines += ["", PUBLISHED, "", "| ours | a peer | published | conditions | source |"]
            lines += ["| --- | --- | --- | --- | --- |"]
            lines += [f"| {' | '.join(each)} |" for each in published]
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
