"""Random histories: a naive search over all nodes, made anew each time, must choose the same."""

import random
from dataclasses import replace

import pytest

from evenflow.common.domain.decisions.settings import (
    CLUSTER_STRATEGIES,
    STRATEGIES,
    SchedulerSettings,
)
from evenflow.policy_engine.core.placement import Rooms
from tests.placement.gang_search import GangSearch
from tests.placement.random_specs import a_random_node, a_random_spec
from tests.placement.world import World


def rebuilt(world, rng):
    """The same state, told in another order."""
    rooms = Rooms(world.settings)
    steps = [(rooms.put, node, None) for node in world.nodes.values()]
    rng.shuffle(steps)
    for put, node, held in steps:
        put(node, held)
    jobs = list(world.live.values())
    rng.shuffle(jobs)
    for spec, tasks in jobs:
        rooms.take(spec, tuple(tasks))
    for spec in world.counted:
        rooms.count(rooms.shape_of(spec), 1)
    return rooms


class History:
    """Rooms and a world that are told the same."""

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.world = World(
            SchedulerSettings(
                strategy=rng.choice(STRATEGIES),
                cluster_strategy=rng.choice(CLUSTER_STRATEGIES),
                headroom_milli=rng.choice([0, 0, 100]),
            )
        )
        self.rooms = Rooms(self.world.settings)
        self.specs = [a_random_spec(rng, n) for n in range(rng.randint(2, 8))]
        self.names = [f"n{i}" for i in range(rng.randint(2, 8))]
        self.jobs = 0
        self.blocked = 0  # times that a blocked shape was looked at
        self.grown = 0

    def put(self, name):
        self.world.nodes[name] = a_random_node(self.rng, name)
        self.rooms.put(self.world.nodes[name], self.world.held(name))

    def drop(self, name):
        self.world.nodes.pop(name, None)
        self.rooms.drop(name)

    def place(self):
        self.jobs += 1
        spec = replace(self.rng.choice(self.specs), id=f"job-{self.jobs}")
        shape = self.rooms.shape_of(spec)
        self.rooms.count(shape, 1)
        self.world.counted.append(spec)
        expected = GangSearch(self.world, spec).place()
        placed = self.rooms.place(shape)
        assert placed == expected, spec
        if placed is not None:
            self.world.live[spec.id] = (spec, list(placed))

    def give(self, job):
        spec, tasks = self.world.live.pop(job)
        self.rooms.release(spec, tuple(tasks))
        self.rooms.count(self.rooms.shape_of(spec), -1)
        self.world.counted.remove(spec)

    def grow(self, job):
        spec, tasks = self.world.live[job]
        search = GangSearch(self.world, spec, tasks)
        nodes = self.world.nodes
        held = [task.node for task in tasks if task.node in nodes]
        if held:
            cluster = nodes[held[0]].cluster
            names = [name for name, node in nodes.items() if node.cluster == cluster]
            search.extend(names, held, len(tasks))
        grown = self.rooms.grow(spec, tuple(tasks))
        assert grown == tuple(search.done), spec
        self.grown += len(grown)
        tasks += grown

    def step(self):
        action = self.rng.choice(["node", "place", "place", "place", "give", "grow", "grow"])
        live = sorted(self.world.live)
        if action == "place":
            self.place()
        elif action == "node" and self.rng.random() < 0.3:
            self.drop(self.rng.choice(self.names))
        elif action == "node":
            self.put(self.rng.choice(self.names))
        elif action == "give" and live:
            for job in self.rng.sample(live, min(len(live), 3)):
                self.give(job)
        elif action == "grow":
            for job in live:
                self.grow(job)

    def check_blocked(self):
        self.rooms.woken()
        for spec in self.specs:
            if self.rooms.is_blocked(self.rooms.shape_of(spec)):
                self.blocked += 1
                assert GangSearch(self.world, spec).place() is None, spec

    def play(self, steps=40):
        for name in self.names:
            self.put(name)
        for _ in range(steps):
            self.step()
            self.check_blocked()
        self.check_idle()
        return self

    def check_idle(self):
        idle = World(self.world.settings, self.world.nodes)
        for spec in self.specs:
            shape = self.rooms.shape_of(spec)
            if shape.is_uniform:
                fits = GangSearch(idle, spec).place() is not None
                assert self.rooms.could_hold(shape) == fits, spec


@pytest.mark.parametrize("first", range(0, 400, 20))
def test_every_choice_is_that_of_a_naive_search_and_blocked_shapes_fit_nowhere(first):
    for seed in range(first, first + 20):
        History(seed).play()


@pytest.mark.parametrize("seed", range(1000, 1040))
def test_the_same_state_told_in_another_order_is_decided_alike(seed):
    history = History(seed).play()
    rooms, other = history.rooms, rebuilt(history.world, random.Random(seed))
    for spec in history.specs:
        shape = rooms.shape_of(spec)
        expected = None if shape.is_blocked else rooms.place(shape)
        assert other.place(other.shape_of(spec)) == expected
        if expected is not None:
            rooms.release(spec, expected)
            other.release(spec, expected)


def test_histories_do_block_shapes_and_grow_gangs():
    histories = [History(seed).play() for seed in range(100)]
    assert sum(history.blocked for history in histories) > 500
    assert sum(history.grown for history in histories) > 3
