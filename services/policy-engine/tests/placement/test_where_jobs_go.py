"""Where jobs go that may start, and what becomes of those for which there is no room."""

import pytest

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import nodes, settings
from evenflow.common.testing.builders import a_node
from evenflow.policy_engine.core.cycle import is_empty
from tests.fleets.engine import Engine, a_shard


def test_a_gang_starts_whole_or_not_at_all():
    shard = a_shard(nodes=2, cpu=1000)
    gang = shard.submit(tasks=3)
    engine = Engine(shard)
    assert engine.placed() == []
    assert shard.job(gang).reason is not None
    assert shard.job(gang).reason.code is ReasonCode.UNFITTABLE
    shard.with_nodes(a_node("n3", cpu=1000))
    decision = engine.turn()
    assert sorted(t.node for t in decision.placements[0].tasks) == ["n1", "n2", "n3"]


def test_a_failed_gang_takes_nothing_away_from_the_next_queue():
    shard = a_shard("a/q", "b/q", nodes=2, cpu=1000)
    shard.tell(settings.Set(SchedulerSettings(backfill="off")))
    blocker = shard.submit(queue="b/q")
    engine = Engine(shard)
    engine.turn()
    shard.submit(queue="a/q", tasks=2)
    single = shard.submit(queue="b/q")
    assert engine.placed() == [single.id]
    assert blocker.id in shard.state.jobs


def test_gpus_are_given_by_index_and_never_twice():
    shard = a_shard(nodes=1, cpu=64_000, gpu=4000)
    shard.submit(resources={"cpu": 1000, "gpu": 2000})
    shard.submit(resources={"cpu": 1000, "gpu": 500})
    shard.submit(resources={"cpu": 1000, "gpu": 500})
    shard.submit(resources={"cpu": 1000, "gpu": 1000})
    decision = Engine(shard).turn()
    assert [p.tasks[0].devices for p in decision.placements] == [(0, 1), (2,), (2,), (3,)]


def test_work_goes_to_the_fullest_node_that_holds_it():
    shard = a_shard(nodes=1, cpu=8000, gpu=8000)
    shard.with_nodes(a_node("small", cpu=8000, gpu=2000), a_node("none", cpu=8000))
    shard.submit(resources={"cpu": 1000})
    shard.submit(resources={"cpu": 1000, "gpu": 1000})
    shard.submit(resources={"cpu": 1000, "gpu": 4000})
    assert [p.tasks[0].node for p in Engine(shard).turn().placements] == ["none", "small", "n1"]


def test_headroom_stays_free():
    shard = a_shard(cpu=4000)
    shard.tell(settings.Set(SchedulerSettings(headroom_milli=300)))
    for _ in range(4):
        shard.submit()
    assert len(Engine(shard).placed()) == 2


def test_a_cordoned_node_gets_nothing_and_keeps_what_runs():
    shard = a_shard(cpu=2000)
    first = shard.submit()
    engine = Engine(shard)
    assert engine.placed() == [first.id]
    shard.tell(nodes.Cordoned(("n1",)))
    second = shard.submit()
    assert is_empty(engine.turn()) or not engine.turn().placements
    shard.tell(nodes.Uncordoned(("n1",)))
    assert engine.placed() == [second.id]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"resources": {"cpu": 99_000}}, id="larger than any node"),
        pytest.param({"resources": {"cpu": 1000, "gpu": 1000}}, id="no node has a GPU"),
        pytest.param({"tasks": 5}, id="a gang larger than the cluster"),
    ],
)
def test_what_never_fits_waits_as_unfittable_and_blocks_nobody(fields):
    shard = a_shard()
    hopeless = shard.submit(**fields)
    next_one = shard.submit()
    assert Engine(shard).placed() == [next_one.id]
    assert shard.job(hopeless).reason.code is ReasonCode.UNFITTABLE


def test_a_job_of_a_cluster_without_nodes_waits_for_it():
    shard = a_shard()
    job = shard.submit(executor="slurm")
    after = shard.submit()
    assert Engine(shard).placed() == [after.id]
    assert shard.job(job).reason.code is ReasonCode.NO_CLUSTER
