"""When room comes free, kept up to date while nodes and jobs come and go."""

from evenflow.common.domain.facts import cluster
from evenflow.common.testing.builders import a_node
from tests.fleets.machine import MINUTE, Machine


def test_an_outlook_follows_nodes_on_which_its_ask_never_fits():
    machine = Machine(nodes=1)
    machine.tell(cluster.Observed("simulated", (a_node("small", cpu=64_000, gpu=1_000),)))
    whole = machine.next_spec(resources={"gpu": 8_000}, time_limit_us=60 * MINUTE)
    shape = machine.engine.rooms.shape_of(whole)

    def wide_slots() -> int:
        (need,) = machine.engine.outlooks.needs(shape, machine.now)
        return len(list(need.outlook.shadows(1, machine.now)))

    assert wide_slots() == 1
    machine.tell(cluster.Observed("simulated", (), gone=("n0",)))
    assert wide_slots() == 0
    little = machine.submit(1, 10)
    assert machine.turn() == [little.id]  # the node that is left changes
    assert wide_slots() == 0
    machine.tell(cluster.Observed("simulated", (a_node("n0", cpu=64_000, gpu=8_000),)))
    assert wide_slots() == 1
