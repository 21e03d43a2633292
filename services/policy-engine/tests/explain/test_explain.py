"""Why a job waits, in codes and numbers: worked out by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cluster, jobs, queues, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.explain.explanation import Basis, Because
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins
from tests.fleets.asked import Asked


def a_full(policy: str | None = None, **fields: Any):
    """A queue of one core, which is taken."""
    engine = Asked(a_queue("a/q", policy=policy), **fields)
    engine.shard.submit(queue="a/q", user="taker", name="taker", priority=100)
    engine.turn()
    return engine


def first_because(engine, mine) -> tuple[str, Because]:
    why = engine.why(mine)
    return why.first[0].id, why.first[0].because


def test_a_job_that_is_not_known_has_no_explanation():
    assert explain(Asked().state, "nobody", T0) is None


def test_fifo_says_who_was_submitted_earlier_with_both_places():
    engine = a_full()
    specs = [engine.submit() for _ in range(8)]
    engine.turn()
    why = engine.why(specs[7])
    assert (why.policy, why.place, why.ahead) == ("fifo", 8, 7)
    assert [each.id for each in why.first] == [spec.id for spec in specs[:5]]
    assert why.first[0].because == Because(Basis.EARLIER, 2, 9)
    assert why.reason is not None
    assert why.reason.code is ReasonCode.ORDER
    assert engine.why(specs[0]).first == ()


@pytest.mark.parametrize(
    ("policy", "theirs", "mine", "basis", "numbers"),
    [
        pytest.param(
            "priority", {"priority": 9}, {"priority": 2}, Basis.PRIORITY, (9, 2), id="priority"
        ),
        pytest.param(
            "priority", {"priority": 2}, {"priority": 2}, Basis.EARLIER, (2, 3), id="equal priority"
        ),
        pytest.param(
            "shortest-first",
            {"estimated_duration_us": 5},
            {"time_limit_us": 7},
            Basis.SHORTER,
            (5, 7),
            id="a shorter job",
        ),
        pytest.param(
            "shortest-first",
            {"estimated_duration_us": 5},
            {},
            Basis.SHORTER,
            (5, None),
            id="against one that nobody knows",
        ),
    ],
)
def test_policies_of_jobs_name_what_they_compare(policy, theirs, mine, basis, numbers):
    engine = a_full(policy)
    other, job = engine.submit(**theirs), engine.submit(**mine)
    engine.turn()
    assert first_because(engine, job) == (other.id, Because(basis, *numbers))


@pytest.mark.parametrize(
    ("policy", "basis"),
    [
        pytest.param("fairshare", Basis.USED_LESS, id="fairshare looks at all queues"),
        pytest.param("fair-tree", Basis.USED_LESS_HERE, id="fair-tree looks at this queue"),
    ],
)
def test_policies_of_users_tell_what_both_have_used(policy, basis):
    engine = Asked(a_queue("a/q", policy=policy))
    engine.used({"a": 0.5, "a/q": 0.5}, {"ann": 0.375, "bob": 0.125})
    engine.submit(user="cat")
    engine.turn()
    job = engine.submit(user="ann")
    others = [engine.submit(user="bob") for _ in range(3)]
    engine.turn()
    why = engine.why(job)
    assert (why.place, [each.id for each in why.first]) == (4, [other.id for other in others])
    assert why.first[0].because == Because(basis, 0.125, 0.375)


def test_without_history_fairshare_tells_what_both_hold():
    engine = Asked(a_queue("a/q", policy="fairshare"), cpu=4000)
    engine.submit(user="ann", resources={"cpu": 3000})
    engine.turn()
    job, other = (engine.submit(user=user, resources={"cpu": 2000}) for user in ("ann", "bob"))
    engine.turn()
    assert first_because(engine, job) == (other.id, Because(Basis.HOLDS_LESS, 0.0, 0.75))


def test_multifactor_tells_the_weighted_sums():
    engine = Asked(a_queue("a/q", policy="multifactor"))
    wanted = SchedulerSettings(weight_fair_share=0, weight_age=0, weight_priority=1000)
    engine.shard.tell(settings.Set(wanted))
    engine.submit(priority=100)
    engine.turn()
    job, other = engine.submit(priority=10), engine.submit(priority=50)
    engine.turn()
    assert first_because(engine, job) == (other.id, Because(Basis.SCORE, 500.0, 100.0))


def _last_first(job: Job) -> tuple[int, ...]:
    return (-job.position,)


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        pytest.param(Policy("lifo", _last_first), 2, id="one with ranks orders all"),
        pytest.param(
            Policy("lifo", lambda _: (), selects=lambda _, waiting: waiting[-1]),
            None,
            id="one that selects names only the first",
        ),
    ],
)
def test_an_installed_policy_puts_jobs_first_without_numbers(policy, place):
    plugins = Plugins(dict(OURS.policies) | {"lifo": policy}, OURS.quotas)
    engine = a_full("lifo", plugins=plugins)
    job, other = engine.submit(), engine.submit()
    engine.turn()
    why = engine.why(job)
    assert (why.place, why.ahead, why.policy) == (place, 1, "lifo")
    assert first_because(engine, job) == (other.id, Because(Basis.POLICY))


def test_a_queue_whose_policy_failed_is_explained_by_fifo():
    def fail(_: Job) -> tuple[int, ...]:
        raise RuntimeError("broken")

    plugins = Plugins(dict(OURS.policies) | {"broken": Policy("broken", fail)}, OURS.quotas)
    engine = a_full("broken", plugins=plugins)
    other, job = engine.submit(), engine.submit()
    engine.turn()
    assert first_because(engine, job) == (other.id, Because(Basis.EARLIER, 2, 3))


def test_the_short_resource_is_told_with_what_is_free_in_all_and_on_one_node():
    engine = Asked(cpu=4000, gpu=2000, nodes=2)
    for _ in range(2):
        engine.submit(resources={"cpu": 1000, "gpu": 1000})
        engine.turn()
    job = engine.submit(tasks=2, resources={"cpu": 1000, "gpu": 2000})
    engine.turn()
    short = engine.why(job).short
    assert short is not None
    assert (short.resource, short.wanted, short.per_task) == ("gpu", 4000, 2000)
    assert (short.free, short.largest) == (2000, 2000)


def test_what_a_limit_leaves_is_what_is_short():
    engine = Asked(a_queue("a/q", limit={"cpu": 3000}), cpu=9000)
    engine.submit(resources={"cpu": 2000})
    engine.turn()
    job = engine.submit(resources={"cpu": 2000})
    engine.turn()
    short = engine.why(job).short
    assert short is not None
    assert (short.resource, short.wanted, short.free, short.largest) == ("cpu", 2000, 1000, None)


@given(st.permutations(range(6)), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_the_place_of_each_job_is_where_the_engine_starts_it(order, priorities):
    engine = Asked(a_queue("a/q", policy="priority"), cpu=6000)
    engine.submit(resources={"cpu": 6000}, priority=100)
    engine.turn()
    specs = [a_spec(100 + i, queue="a/q", priority=priorities[i], user=f"u{i % 2}") for i in order]
    for spec in specs:
        engine.shard.tell(jobs.Submitted((spec,)))
    engine.turn()
    places = {spec.id: engine.why(spec).place for spec in specs}
    engine.shard.with_nodes(*(a_node(f"n{i}", cpu=6000) for i in range(2)))
    state = EngineState(engine.shard.state)
    decision = run_cycle(state, engine.shard.state.settings, T0)
    started = [placement.job_id for placement in decision.placements]
    assert started == sorted(places, key=lambda job_id: places[job_id] or 0)


def test_asking_changes_no_decision():
    curious, silent = Asked(cpu=4000), Asked(cpu=4000)
    for engine in (curious, silent):
        for i in range(6):
            engine.submit(user=f"u{i % 2}", resources={"cpu": 1500})
        engine.turn()
    for job_id in list(curious.shard.state.jobs):
        explain(curious.state, job_id, T0 + SECOND)
    for engine in (curious, silent):
        more = cluster.Observed("simulated", (a_node("n1", cpu=4000), a_node("n9", cpu=9000)))
        folded = engine.shard.tell(more)
        assert isinstance(folded, Folded)
        engine.state.note(folded)
    decisions = [
        run_cycle(engine.state, engine.shard.state.settings, T0 + SECOND)
        for engine in (curious, silent)
    ]
    assert decisions[0] == decisions[1]
    assert decisions[0].placements


def test_a_queue_that_is_disabled_says_so_as_its_reason():
    engine = Asked()
    job = engine.submit()
    engine.shard.tell(queues.Defined((a_queue("a/q", enabled=False),)))
    engine.turn()
    why = engine.why(job)
    assert why.reason is not None
    assert why.reason.code is ReasonCode.QUEUE_DISABLED
