"""What a strategy thinks a node is worth for the jobs of these days."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.common.testing.builders import GIB, a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms
from evenflow.policy_engine.core.placement.fragmentation.node_states import NodeStates
from evenflow.policy_engine.core.placement.fragmentation.waste import Waste
from evenflow.policy_engine.core.placement.nodes.request import Request, key_of


def rooms_with(*nodes, strategy="least-fragmentation"):
    rooms = Rooms(SchedulerSettings(strategy=strategy))
    for node in nodes:
        rooms.put(node, None)
    return rooms


def place(rooms, **resources):
    placement = rooms.place(rooms.shape_of(a_spec(resources=resources)))
    return None if placement is None else placement[0].node


def common(rooms, jobs, **resources):
    rooms.count(rooms.shape_of(a_spec(resources=resources)), jobs)


def test_a_job_of_much_cpu_leaves_enough_for_the_gpus_beside_it():
    # Both nodes fit it. On n1, which is fuller, 8 cores would be left for 3 GPUs.
    nodes = (a_node("n1", cpu=32_000, gpu=4000), a_node("n2", cpu=96_000, gpu=8000))
    for strategy, chosen in (("pack", "n1"), ("least-fragmentation", "n2")):
        rooms = rooms_with(*nodes, strategy=strategy)
        common(rooms, 20, cpu=8000, gpu=1000)
        assert place(rooms, cpu=24_000, gpu=1000) == chosen


def test_memory_that_is_short_counts_like_cpu():
    nodes = [
        a_node(name, capacity={"cpu": 64_000, "memory": 64 * GIB * size, "gpu": 4000 * size})
        for name, size in (("n1", 1), ("n2", 3))
    ]
    rooms = rooms_with(*nodes)
    common(rooms, 20, memory=16 * GIB, gpu=1000)
    assert place(rooms, memory=48 * GIB, gpu=1000) == "n2"


def test_a_job_without_gpus_takes_cpu_where_it_is_missed_least():
    nodes = (a_node("n1", cpu=32_000, gpu=4000), a_node("n2", cpu=96_000, gpu=4000))
    assert place(rooms_with(*nodes, strategy="pack"), cpu=16_000) == "n1"
    rooms = rooms_with(*nodes)
    common(rooms, 20, cpu=8000, gpu=1000)
    assert place(rooms, cpu=16_000) == "n2"


def test_kinds_of_jobs_count_more_than_how_many_jobs_there_are():
    # A job of 0.05 spoils either the whole card, for the many jobs of 0.9, or the gap of 0.46, for
    # the few that just fit it. A gap waits for its job: six such kinds outweigh one.
    for kinds, chosen in ((1, "n2"), (6, "n1")):
        rooms = rooms_with()
        rooms.put(a_node("n1", gpu=1000), NodeHeld({"gpu": 60}, {0: 60}))
        rooms.put(a_node("n2", gpu=1000), NodeHeld({"gpu": 540}, {0: 540}))
        common(rooms, 100, cpu=1000, gpu=900)
        for i in range(kinds):
            common(rooms, 1, cpu=1000, gpu=460 - i)
        assert place(rooms, cpu=1000, gpu=50) == chosen


def test_best_fit_leaves_least_of_gpus_and_cpu_together():
    # 2 GPUs count like 32 cores.
    nodes = (a_node("n1", cpu=64_000, gpu=2000), a_node("n2", cpu=24_000, gpu=4000))
    assert place(rooms_with(*nodes, strategy="pack"), cpu=1000, gpu=1000) == "n1"
    assert place(rooms_with(*nodes, strategy="best-fit"), cpu=1000, gpu=1000) == "n2"


AMOUNTS = st.integers(0, 1 << 43)
REQUESTS = st.builds(
    lambda cpu, memory, gpu: Request(key_of({"cpu": cpu, "memory": memory, "gpu": gpu})),
    st.one_of(st.integers(0, 64_000), AMOUNTS),
    st.one_of(st.integers(0, 512 * GIB), AMOUNTS, st.integers(0, 1 << 80)),
    st.one_of(st.integers(1, 999), st.sampled_from([1000, 1500, 2000, 8000])),
)
CARDS = st.lists(st.integers(0, 1000), min_size=1, max_size=16).map(lambda c: tuple(sorted(c)))
STATES = st.builds(
    lambda cpu, memory, gpu, cards: (cpu, memory, min(gpu, sum(cards)), cards, ()),
    st.one_of(st.integers(-10, 128_000), AMOUNTS),
    st.one_of(st.integers(-10, 1024 * GIB), AMOUNTS),
    st.integers(0, 16_000),
    CARDS,
)


@given(
    st.lists(st.tuples(st.integers(1, 20), REQUESTS), min_size=1, max_size=5),
    st.lists(STATES, min_size=1, max_size=5),
)
def test_the_waste_of_many_states_is_that_of_each_by_itself(classes, states):
    expected = [sum(weight * waste(s, r) for weight, r in classes) for s in states]
    assert Waste(classes).of(states) == expected


def waste(state, request):
    """The definition in docs/placement.md, in exact numbers."""
    cpu, memory, gpu, cards, _ = state
    part, count = min(request.gpu, 1000), max(request.gpu // 1000, 1)
    good = [card for card in cards if card >= part]
    if (
        (request.gpu > 1000 and request.gpu % 1000)
        or len(good) < count
        or gpu < request.gpu
        or (request.cpu and cpu < request.cpu)
        or (request.memory and memory < request.memory)
    ):
        return sum(cards)
    tasks = sum(card // part for card in cards) // count
    useful = sum(good)
    for free, asked in ((cpu, request.cpu), (memory, request.memory)):
        if asked and free < asked * tasks:
            x = Fraction(free, asked * tasks)
            useful = min(useful, floor(sum(good) * 2 * x / (1 + x)))
    return sum(cards) - useful


def test_nodes_in_one_state_have_one_number_whatever_their_cards_order():
    rooms = Rooms(SchedulerSettings())
    rooms.put(a_node("n1", gpu=2000), NodeHeld({"gpu": 300}, {0: 300}))
    rooms.put(a_node("n2", gpu=2000), NodeHeld({"gpu": 300}, {1: 300}))
    rooms.put(a_node("n3", gpu=2000), NodeHeld({"gpu": 301}, {1: 301}))
    states = NodeStates()
    first, second, third = (states.of(room) for room in rooms.rooms_of("simulated"))
    assert first == second != third
