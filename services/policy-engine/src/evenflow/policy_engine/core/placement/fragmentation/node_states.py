"""States of nodes: what is free, whatever the node. Nodes in one state are worth the same."""

from typing import Final

from evenflow.policy_engine.core.placement.nodes.request import Request, RequestKey
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.scores import pack

Cards = tuple[int, ...]
NodeState = tuple[int, int, int, Cards, RequestKey]
"""Free CPU, memory, GPU, what is free on each GPU, ascending, and of other resources, by name."""
MOST_STATES: Final = 1 << 16


class NodeStates:
    """Numbers of states, given in the order in which they were seen.

    They say nothing but whether two states are equal, and hold until `forget`.
    """

    def __init__(self) -> None:
        """No state was seen."""
        self.all: list[NodeState] = []
        self.packs: list[int] = []  # how much `pack` likes such a node
        self._numbers: dict[NodeState, int] = {}
        self._seen: dict[int, int] = {}  # by version of the room
        self._rests: dict[tuple[Cards, int], Cards] = {}

    def is_full(self) -> bool:
        """Whether it is time to `forget`."""
        return max(len(self.all), len(self._seen), len(self._rests)) > MOST_STATES

    def forget(self) -> None:
        """Begin anew; earlier numbers mean nothing any more."""
        for each in (self.all, self.packs, self._numbers, self._seen, self._rests):
            each.clear()

    def of(self, room: Room) -> int:
        """Return the number of a room's state."""
        number = self._seen.get(room.version)
        if number is None:
            others = tuple(sorted(room.extra.items())) if room.extra else ()
            cards = tuple(sorted(room.devices))
            state = (room.cpu, room.memory, room.gpu, cards, others)
            number = self._seen[room.version] = self._number(state)
            self.packs[number] = pack(room)
        return number

    def without(self, number: int, request: Request) -> int:
        """Return the state once a task that fits has taken its part."""
        cpu, memory, gpu, cards, others = self.all[number]
        if request.gpu:
            key = (cards, request.gpu)
            rest = self._rests.get(key)
            if rest is None:
                rest = self._rests[key] = _rest(cards, request)
            cards = rest
        if request.extra:
            left = dict(others)
            for name, amount in request.extra:
                left[name] -= amount
            others = tuple(sorted(left.items()))
        after = (cpu - request.cpu, memory - request.memory, gpu - request.gpu, cards, others)
        return self._number(after)

    def _number(self, state: NodeState) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self.all)
            self.all.append(state)
            self.packs.append(0)
        return number


def _rest(cards: Cards, request: Request) -> Cards:
    """Return what is left of cards in ascending order, as `Room.choose_devices` takes them."""
    rest = list(cards)
    if request.whole:
        rest[-request.whole :] = [0] * request.whole
    else:
        index = next(i for i, free in enumerate(rest) if free >= request.fraction)
        rest[index] -= request.fraction
    return tuple(sorted(rest))
