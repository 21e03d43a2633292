"""With policy `fair-tree` the engine gives turns as Slurm's Fair Tree ranks users."""

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.usage.snapshot import UsageColumns, UsageSnapshot
from evenflow.common.testing.builders import T0, a_node, a_queue
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.ordering.fair_tree import Account, Member, rank_users
from evenflow.policy_engine.core.state.engine_state import EngineState

USED = {"a:ann": 0.30, "b/x:bob": 0.05, "b/x:eve": 0.10, "b/y/z:dan": 0.05, "b/y/z:fay": 0.12}
QUEUES = {"a": 0.30, "b": 0.32, "b/x": 0.15, "b/y": 0.17, "b/y/z": 0.17}


def billionths(used: float) -> int:
    return round(used * 1e9)


TREE = (
    Account("a", 2, billionths(0.30), (Member("ann", 1, billionths(0.30)),)),
    Account(
        "b", 3, billionths(0.32),
        (
            Account(
                "x", 1, billionths(0.15),
                (Member("bob", 1, billionths(0.05)), Member("eve", 1, billionths(0.10))),
            ),
            Account(
                "y", 1, billionths(0.17),
                (
                    Account(
                        "z", 1, billionths(0.17),
                        (Member("dan", 1, billionths(0.05)), Member("fay", 1, billionths(0.12))),
                    ),
                ),
            ),
        ),
    ),
)  # fmt: skip


def columns(numbers: dict[str, float]) -> UsageColumns:
    rows = {name: row for row, name in enumerate(numbers)}
    return UsageColumns(rows, {}, {"cpu": tuple(numbers.values())})


def test_users_at_several_levels_take_turns_in_the_order_of_their_ranks():
    shard = Shard().with_leader()
    shard.with_queues(a_queue("a", weight=2.0), a_queue("b", weight=3.0), "b/x", "b/y/z")
    shard.with_nodes(a_node("n", cpu=64_000))
    shard.state.settings = SchedulerSettings(policy="fair-tree", k=0.0)
    by_job = {}
    for place in reversed(USED):  # not in the order of their turns
        leaf, _, user = place.partition(":")
        spec = shard.submit(queue=leaf, user=user, estimated_duration_us=1)
        by_job[spec.id] = user
    users = {place.partition(":")[2]: used for place, used in USED.items()}
    snapshot = UsageSnapshot(
        1, T0, T0, 0, "", columns(QUEUES), columns({}), columns(users), {"cpu": 64.0},
        frozenset(), {"cpu": 1000.0}, columns(USED),
    )  # fmt: skip
    state = EngineState(shard.state)
    state.use(snapshot, 1)
    decision = run_cycle(state, shard.state.settings, T0)
    order = [by_job[placement.job_id] for placement in decision.placements]
    assert order == [each.name for each in sorted(rank_users(TREE), key=lambda r: -r.rank)]
    assert order == ["bob", "eve", "dan", "fay", "ann"], "0.15 of a share of 2, 0.107 of one of 3"
