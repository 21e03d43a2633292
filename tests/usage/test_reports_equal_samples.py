"""What the gateway reports and what the exporter samples are the same: one rule, two services."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.fold.folded import AttemptEnd, Folded
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0, a_spec
from evenflow.exporter.core.sampling import Allocations
from evenflow.gateway.view.rules.held_time import Amounts, add_by_hours, held_by, in_seconds

DAY = 86_400_000_000
EVER = T0 + 1000 * DAY
_GROUPS = (
    TaskGroup("driver", 1, {"cpu": 2000, "memory": 2**30}),
    TaskGroup("worker", 5, {"gpu": 500, "memory": 7 * 2**30}, min_tasks=1),
)


@st.composite
def ends(draw: st.DrawFn) -> AttemptEnd:
    """Attempts over seconds or months; some never ran, some are gangs that grew."""
    placed = T0 + draw(st.integers(0, 3 * DAY))
    started = draw(st.none() | st.integers(0, DAY).map(lambda after: placed + after))
    ended = placed + draw(st.integers(0, 10**6) | st.integers(0, 90 * DAY))
    if not draw(st.booleans()):
        spec: Any = a_spec(1, resources={"cpu": 250, "gpu": 3000}, tasks=3)
        return AttemptEnd(spec, 1, started, ended, (PlacedTasks(0, 3, placed),))
    firsts = sorted(draw(st.sets(st.integers(3, 5), max_size=2)))
    cuts = [0, *firsts, 6]
    since = sorted(draw(st.integers(placed, max(placed, ended))) for _ in firsts)
    placed_tasks = tuple(map(PlacedTasks, cuts, cuts[1:], [placed, *since]))
    spec = a_spec(1, groups=_GROUPS, tasks=6, resources={})
    return AttemptEnd(spec, 1, started, ended, placed_tasks)


@given(st.lists(ends(), min_size=1, max_size=8))
def test_hours_add_up_to_the_samples(attempts: list[AttemptEnd]) -> None:
    allocations, amounts = Allocations(), Amounts()
    for number, end in enumerate(attempts):
        folded = Folded(ShardState(), attempts_ended=[end])
        allocations.fold(Entry(number, "e", T0, "t", None), folded)
        for held in held_by(end):
            add_by_hours(amounts, end.spec, held)
    sampled: dict[str, list[float]] = {}
    for entry in allocations.take(EVER):
        for name, seconds in entry.amounts.items():
            sampled.setdefault(name, []).append(seconds)
    reported: dict[str, list[float]] = {}
    for span, amount in amounts.items():
        assert 0 < amount <= span.width_us * 10**12
        assert span.start_at % span.width_us == 0
        reported.setdefault(span.resource, []).append(in_seconds(span.resource, amount))
    assert reported.keys() == {name for name, each in sampled.items() if math.fsum(each)}
    for name, each in reported.items():
        assert math.isclose(math.fsum(each), math.fsum(sampled[name]), rel_tol=1e-12)
