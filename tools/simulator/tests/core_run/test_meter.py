from evenflow.common.domain.clock import HOUR
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import runs
from evenflow.common.domain.facts.cycle import Decided
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.simulator.core_run.meter import Meter, UsagePolling
from evenflow.usage_aggregator.core.snapshot import take_snapshot


def a_metered_shard():
    shard = Shard().with_queues("default/default").with_nodes(a_node(gpu=4000)).with_leader()
    meter = Meter(shard.state, UsagePolling(half_life_us=2 * HOUR))
    meter.begin(T0)

    def tell(fact, at):
        entry = Entry(shard.state.sequence + 1, "", at, "test", fact)
        meter.follow(entry, shard.tell(fact, at=at))

    spec = shard.submit(a_spec(1, resources={"gpu": 2000}))
    placement = Placement(spec.id, 1, (TaskPlacement("n1", (0, 1)),))
    state = shard.state
    tell(Decided(state.epoch, state.sequence, T0, "1", placements=(placement,)), T0)
    return shard, meter, spec, tell


def test_usage_is_sampled_from_starts_and_told_as_the_aggregator_tells_it():
    _, meter, spec, tell = a_metered_shard()
    half = T0 + HOUR // 2
    tell(runs.Reported((runs.RunReport(spec.id, 1, TaskPhase.RUNNING, half),)), half)
    fact = meter.poll()
    assert (fact.generated_at, fact.data_until) == (T0 + HOUR, T0 + HOUR)
    snapshot = meter.snapshot()
    assert snapshot.users.hours_of("ann", "gpu") == 1.0  # two cards for half an hour
    assert snapshot.users.ratio_of("ann", "gpu") == 0.25
    assert snapshot.queue_users.ratio_of("default/default:ann", "gpu") == 0.25
    taken = take_snapshot(meter._ledger, T0 + HOUR, 1)
    read = parse_snapshot(taken.document)
    assert (read.users, read.queues, read.capacity_hours) == (
        snapshot.users,
        snapshot.queues,
        snapshot.capacity_hours,
    )


def test_polls_are_an_interval_apart_and_news_until_they_are_read():
    _, meter, _, _ = a_metered_shard()
    assert not meter.is_news
    assert meter.due == T0 + HOUR
    meter.poll()
    assert meter.due == T0 + 2 * HOUR
    assert meter.is_news
    meter.snapshot()
    assert not meter.is_news
