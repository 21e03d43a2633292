"""Where the core's time goes: one case of core_scale.py under cProfile; set-up is left out.

    .venv/bin/python tests/bench/profile_core.py event --pending 10000

cProfile charges every call, so many small calls look dearer than they are.
"""

import argparse
import cProfile
import pstats
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from evenflow.common.domain.decisions.settings import SchedulerSettings

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.core import scale as core_scale
from tests.bench.core.world import CPU_PODS, GPU_MIX, ONE_SHAPE

Case = Callable[[argparse.Namespace], Callable[[], object]]
"""Sets up, and returns what is to be profiled."""


def fill(options: argparse.Namespace) -> Callable[[], object]:
    """A full fill, 10 shapes."""
    return partial(
        core_scale.fill, core_scale.waiting_world(GPU_MIX, decide_by=_settings_of(options))
    )


def fill_one(options: argparse.Namespace) -> Callable[[], object]:
    """A full fill, one shape."""
    return partial(
        core_scale.fill, core_scale.waiting_world(ONE_SHAPE, decide_by=_settings_of(options))
    )


def event(options: argparse.Namespace) -> Callable[[], object]:
    """Events on a full cluster."""
    world = core_scale.full_world(options.pending, _settings_of(options))
    return partial(core_scale.events, world, options.pending, GPU_MIX, options.events)


def pods(options: argparse.Namespace) -> Callable[[], object]:
    """Events among 140,000 pods."""
    world = core_scale.pods_world(options.pending)
    return partial(core_scale.events, world, options.pending, CPU_PODS, options.events)


def cycle(_: argparse.Namespace) -> Callable[[], object]:
    """One long cycle, 10,000 pending in 100 queues."""
    return partial(core_scale.one_cycle, core_scale.cycle_world(10_000))


def burst(options: argparse.Namespace) -> Callable[[], object]:
    """10,000 submissions on a full cluster."""
    return partial(core_scale.burst, core_scale.full_world(options.pending, _settings_of(options)))


CASES: dict[str, Case] = {
    case.__name__: case for case in (fill, fill_one, event, pods, cycle, burst)
}


def _settings_of(options: argparse.Namespace) -> SchedulerSettings:
    return SchedulerSettings(policy=options.policy, strategy=options.strategy)


def main() -> None:
    """Profile one case and print its dearest functions."""
    parser = argparse.ArgumentParser(description="Profile the core.")
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--pending", type=int, default=10_000, help="jobs that wait (10000)")
    parser.add_argument("--events", type=int, default=200, help="events to profile (200)")
    parser.add_argument("--top", type=int, default=30, help="functions to print (30)")
    parser.add_argument("--by", choices=("tottime", "cumtime"), default="tottime")
    parser.add_argument("--policy", default="fifo", help="order inside queues (fifo)")
    parser.add_argument("--strategy", default="pack", help="choice of nodes (pack)")
    options = parser.parse_args()
    run = CASES[options.case](options)
    profile = cProfile.Profile()
    profile.runcall(run)
    stats = pstats.Stats(profile)
    stats.strip_dirs().sort_stats(options.by).print_stats(options.top)


if __name__ == "__main__":
    main()
