"""What kinds of tasks leave unused of a node, for many states of nodes at once.

Source: Weng et al., "Beware of Fragmentation" (USENIX ATC 2023): of a node's free GPUs a task class
cannot use all when the task does not fit there, else those cards that have too little left for it.
Here, besides, too little CPU or memory for as many tasks as the cards hold makes a part of them
useless. Amounts are thousandths of a GPU times weight.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenflow.common.domain.state.ledger import DEVICE
from evenflow.policy_engine.core.placement.fragmentation.node_states import Cards, NodeState
from evenflow.policy_engine.core.placement.nodes.request import Request, RequestKey

Ints = NDArray[np.int64]
# Amounts of CPU and memory count up to this (8 TiB), so that products stay below 2^63 on nodes of
# up to 500 GPUs; whether a task fits is told by amounts up to the second.
MOST: Final = 1 << 43
MOST_COMPARED: Final = 1 << 62
MOST_CARDS: Final = 1 << 14  # rows of cards that are kept


class Waste:
    """Classes of tasks with their weights, one column each; states of nodes are rows."""

    def __init__(self, classes: Sequence[tuple[int, Request]]) -> None:
        """Classes ask for GPUs."""
        requests = [request for _, request in classes]
        self._weights = _ints([weight for weight, _ in classes])
        self._total = sum([weight for weight, _ in classes])
        self._cpu = _ints([min(request.cpu, MOST) for request in requests])
        self._memory = _ints([min(request.memory, MOST) for request in requests])
        # Free amounts may be negative; who does not ask for any does not mind.
        self._least_cpu = _ints([_bounded(request.least_cpu) for request in requests])
        self._least_memory = _ints([_bounded(request.least_memory) for request in requests])
        self._extras = [(i, r.extra) for i, r in enumerate(requests) if r.extra]
        # Few amounts of GPUs are asked for, by many classes.
        amounts = {request.gpu: request for request in requests}
        columns = {gpu: i for i, gpu in enumerate(amounts)}
        self._column = _ints([columns[request.gpu] for request in requests])
        self._gpu = _ints([_bounded(gpu) for gpu in amounts])
        self._whole = _ints([_bounded(request.whole) for request in amounts.values()])
        self._part = _ints([request.fraction or DEVICE for request in amounts.values()])
        self._rows: dict[tuple[int, Cards], int] = {}  # by free GPU and cards
        self._usable = np.zeros((0, len(amounts)), dtype=np.int64)
        self._held = np.zeros((0, len(amounts)), dtype=np.int64)

    def of(self, states: Sequence[NodeState]) -> list[int]:
        """Return the waste of each state."""
        rows = self._find_rows(states)[:, np.newaxis]
        usable, held = self._usable[rows, self._column], self._held[rows, self._column]
        cpu = _ints([_bounded(state[0]) for state in states])[:, np.newaxis]
        memory = _ints([_bounded(state[1]) for state in states])[:, np.newaxis]
        fits = (cpu >= self._least_cpu) & (memory >= self._least_memory)
        for index, extra in self._extras:
            fits[:, index] &= np.array([_has(state[4], extra) for state in states], dtype=bool)
        useful = np.minimum(usable, _useful(usable, cpu, held * self._cpu))
        useful = np.minimum(useful, _useful(usable, memory, held * self._memory))
        sums: Ints = np.sum(useful * fits * self._weights, axis=1, dtype=np.int64)
        used: list[int] = sums.tolist()
        return [sum(s[3]) * self._total - u for s, u in zip(states, used, strict=True)]

    def _find_rows(self, states: Sequence[NodeState]) -> Ints:
        """Return the rows of the states' cards, made where they are missing."""
        if len(self._rows) > MOST_CARDS:
            self._rows = {}
            self._usable, self._held = self._usable[:0], self._held[:0]
        known = self._rows
        new: list[tuple[int, Cards]] = []
        rows: list[int] = []
        for _, _, gpu, cards, _ in states:
            key = (gpu, cards)
            row = known.get(key)
            if row is None:
                row = known[key] = len(known)
                new.append(key)
            rows.append(row)
        if new:
            usable, held = self._use(new)
            self._usable = np.concatenate([self._usable, usable])
            self._held = np.concatenate([self._held, held])
        return _ints(rows)

    def _use(self, rows: Sequence[tuple[int, Cards]]) -> tuple[Ints, Ints]:
        """Return what tasks of each amount can use of cards, and how many of them those hold."""
        width = max([len(cards) for _, cards in rows])
        cards = _ints([list(c) + [0] * (width - len(c)) for _, c in rows])[:, np.newaxis, :]
        free = _ints([_bounded(gpu) for gpu, _ in rows])[:, np.newaxis]
        part = self._part[:, np.newaxis]
        usable = np.sum(np.where(cards >= part, cards, 0), axis=2, dtype=np.int64)
        held = np.sum(np.maximum(cards, 0) // part, axis=2, dtype=np.int64)
        held //= np.maximum(self._whole, 1)
        fits = (held > 0) & (free >= self._gpu)
        return usable * fits, held * fits


def _useful(usable: Ints, free: Ints, need: Ints) -> Ints:
    """Return what of usable cards is of use with that much of another resource free.

    With a part x of what is needed it is 2x / (1 + x), more than x: what is short for as many of
    these tasks as the cards hold may be enough for smaller ones.
    """
    free = np.clip(free, 1, MOST)
    return usable * (2 * free) // (free + need)


def _bounded(amount: int) -> int:
    return max(min(amount, MOST_COMPARED), -MOST_COMPARED)


def _ints(values: Sequence[int] | Sequence[list[int]]) -> Ints:
    return np.array(values, dtype=np.int64)


def _has(others: RequestKey, extra: RequestKey) -> bool:
    free = dict(others)
    return all(free.get(name, 0) >= amount for name, amount in extra)
