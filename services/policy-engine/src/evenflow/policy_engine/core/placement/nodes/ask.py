"""What one task asks for, constraints included. Shapes of equal tasks share their asks."""

from collections.abc import Callable, Sequence

from evenflow.policy_engine.core.placement.nodes.anti_affinity import OccupiedDomains
from evenflow.policy_engine.core.placement.nodes.node_traits import NodeFilter
from evenflow.policy_engine.core.placement.nodes.request import Request
from evenflow.policy_engine.core.placement.nodes.room import Entry, Room
from evenflow.policy_engine.core.placement.nodes.scores import Score, Scores, pack

Fits = Callable[[Room], bool]
RequestCount = tuple[Request, int]
"""A request, and how many tasks in a row make it."""


class Ask:
    """Which nodes will do for one task, and in which order they are liked.

    `score` is None where the order is that of the settings, whose entries all such asks share.
    `mixed` takes its place where scores follow the mix of jobs.
    """

    __slots__ = ("fits", "is_apart", "mixed", "node_filter", "occupied", "request", "score")

    def __init__(
        self,
        request: Request,
        node_filter: NodeFilter,
        score: Score | None,
        *,
        occupied: OccupiedDomains | None = None,
        is_apart: bool = False,
        mixed: Scores | None = None,
    ) -> None:
        """`is_apart`: no two tasks of a gang on one node."""
        self.request = request
        self.node_filter = node_filter
        self.score = score
        self.occupied = occupied
        self.is_apart = is_apart
        self.mixed = mixed
        self.fits: Fits = _one_task(request, node_filter, occupied)

    def entry(self, room: Room) -> Entry:
        """Return the room as a candidate."""
        if self.mixed is not None:
            return (self.mixed((room,))[0], room.name, room.version, room)
        if self.score is None:
            return room.entry
        return (self.score(room), room.name, room.version, room)

    def entries(self, rooms: Sequence[Room]) -> list[Entry]:
        """Return the rooms as candidates."""
        if self.mixed is not None:
            scores = self.mixed(rooms)
            return [(s, r.name, r.version, r) for s, r in zip(scores, rooms, strict=True)]
        score = self.score
        if score is None:
            return [room.entry for room in rooms]
        return [(score(room), room.name, room.version, room) for room in rooms]

    def slots(self, room: Room) -> int:
        """Return how many tasks of one gang such a node takes, when it takes any."""
        return 1 if self.is_apart else room.slots(self.request)


class Bundle(Ask):
    """Tasks that go to one node together: as one ask, in the order of `pack`."""

    __slots__ = ()

    def __init__(self, runs: Sequence[RequestCount], first: Ask) -> None:
        """`runs` are the tasks in their order; `first` is the ask of the first one."""
        super().__init__(first.request, first.node_filter, pack, occupied=first.occupied)
        fits_one = self.fits
        if first.is_apart and sum(count for _, count in runs) > 1:
            self.fits = _nowhere
        elif len(runs) == 1:
            request, count = runs[0]
            self.fits = lambda room: fits_one(room) and room.slots(request) >= count
        else:
            self.fits = lambda room: fits_one(room) and _holds(room, runs)

    def slots(self, room: Room) -> int:  # noqa: ARG002 - one node holds one bundle or none
        """Return 1: the bundle is one thing."""
        return 1


def _nowhere(room: Room) -> bool:  # noqa: ARG001
    return False


def _holds(room: Room, runs: Sequence[RequestCount]) -> bool:
    """Whether the tasks fit, placed one after the other as they would be."""
    sketch = room.sketch()
    for request, count in runs:
        for _ in range(count):
            if not sketch.fits(request):
                return False
            sketch.hold(request, sketch.choose_devices(request), 1)
    return True


def _one_task(request: Request, node_filter: NodeFilter, occupied: OccupiedDomains | None) -> Fits:
    """Return the quickest test that will do."""
    whole, cpu, memory = request.whole, request.least_cpu, request.least_memory
    is_plain = not (node_filter.key[0] or node_filter.key[1] or request.fraction or request.extra)
    if is_plain and occupied is None:
        return lambda room: (
            room.whole >= whole
            and room.cpu >= cpu
            and room.memory >= memory
            and not room.traits.is_tainted
        )
    accepts = node_filter.accepts
    if occupied is None:
        return lambda room: room.fits(request) and accepts(room.traits)
    is_free = occupied.is_free
    return lambda room: room.fits(request) and accepts(room.traits) and is_free(room)
