"""Windows for waiting jobs, each beside those that were given before it: conservative backfill.

A window is a time and a number of slots. Slots of one ask are alike, so windows of that ask are
counted: whoever has one finds as many free slots when it begins, wherever they are then. For other
asks a window is held on nodes that are likely to keep it.
"""

from itertools import pairwise
from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import availability
from evenflow.policy_engine.core.availability.outlook import Domain, NodeWindow, Outlook, Slots
from evenflow.policy_engine.core.availability.outlooks import Need
from evenflow.policy_engine.core.availability.profile import FOREVER, Profile
from evenflow.policy_engine.core.availability.shadow import Shadow
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.session.promises import Promise
from evenflow.policy_engine.core.state.indexes import Indexes

Steps = list[tuple[Instant, int]]


class _View(NamedTuple):
    """One need in one domain: free slots over time, and on which nodes they are."""

    need: Need
    profile: Profile
    plain: Slots  # of nodes without claims
    claimed: dict[str, Steps]


class _Held(NamedTuple):
    """What a window of one ask is held as against those of others."""

    outlook: Outlook
    claim: NodeWindow


class Window(Promise):
    """Room for a job from `at` to `until`; what is left beside it may be more for a while."""

    __slots__ = ("_profiles", "until")

    def __init__(
        self, shape: Shape, domain: Domain, at: Instant, until: Instant, views: list[_View]
    ) -> None:
        """`views` are taken over; the job itself is not taken out of them yet."""
        super().__init__(shape, domain, at, [0] * len(views), [view.need for view in views])
        self.until = until
        self._profiles = [view.profile for view in views]
        for view in views:
            view.profile.take(at, until, view.need.slots)

    def admits(self, end: Instant, lost: tuple[int, ...]) -> bool:
        """Whether what takes so many slots until `end` leaves the window whole."""
        for profile, slots in zip(self._profiles, lost, strict=True):
            if slots:
                left = profile.lasts(slots, self.at)
                if left < self.until and not availability.may_backfill(Shadow(left, 0), end, slots):
                    return False
        return True

    def take(self, end: Instant, lost: tuple[int, ...]) -> None:
        """Let it have them."""
        for profile, slots in zip(self._profiles, lost, strict=True):
            profile.take(self.at, end, slots)


class Windows:
    """The windows of one cycle. They last no longer: early ends are used by the next one."""

    def __init__(self, state: Indexes, now: Instant) -> None:
        """Nobody has a window."""
        self._state: Final = state
        self._now: Final = now
        self._claims: Final[dict[str, list[_Held]]] = {}
        self._taken: Final[dict[tuple[Outlook, Domain], list[tuple[Instant, Instant, int]]]] = {}

    def promise(self, shape: Shape, run_us: int) -> Promise | None:
        """Give a job the earliest window that is left; None when there is none, however late.

        All room that is taken must be that of jobs which the state knows of.
        """
        needs = self._state.outlooks.needs(shape, self._now)
        best: tuple[Instant, Domain, list[_View]] | None = None
        for domain in needs[0].outlook.domains():
            views = [self._view(need, domain) for need in needs]
            at = _common_window(views, run_us)
            if at is not None and (best is None or (at, domain) < best[:2]):
                best = (at, domain, views)
        if best is None:
            return None
        at, domain, views = best
        end = min(at + run_us, FOREVER)
        for view in views:
            self._hold(view, domain, at, end)
        return Window(shape, domain, at, end, views)

    def _view(self, need: Need, domain: Domain) -> _View:
        outlook = need.outlook
        held = {
            name: [each.claim for each in every if each.outlook is not outlook]
            for name, every in sorted(self._claims.items())
        }
        claimed = {
            name: outlook.steps(name, domain, claims, self._now)
            for name, claims in held.items()
            if claims
        }
        taken = self._taken.get((outlook, domain), [])
        wanted = need.slots + sum(slots for _, _, slots in taken)
        plain = outlook.slots_by(domain, wanted, claimed)
        deltas = [(at, gain) for at, _, gain in plain.gains]
        free = sum(plain.now.values())
        for steps in claimed.values():
            free += steps[0][1]
            deltas += [(at, slots - before) for (_, before), (at, slots) in pairwise(steps)]
        deltas.sort()
        profile = Profile(self._now, free, deltas)
        for begin, end, slots in taken:
            profile.take(begin, end, slots)
        return _View(need, profile, plain, claimed)

    def _hold(self, view: _View, domain: Domain, at: Instant, end: Instant) -> None:
        """Count a window among those of its ask, and claim nodes for it against other asks.

        Nodes that have room for all of it go first, then those that have room when it begins.
        """
        need = view.need
        self._taken.setdefault((need.outlook, domain), []).append((at, end, need.slots))
        slots = dict(view.plain.now)
        for gained_at, name, gain in view.plain.gains:
            if gained_at <= at:
                slots[name] = slots.get(name, 0) + gain
        lasting = slots | {n: _least_of(steps, at, end) for n, steps in view.claimed.items()}
        at_first = {n: _least_of(steps, at, at) - lasting[n] for n, steps in view.claimed.items()}
        left = need.slots
        for room in (lasting, at_first):
            for name in sorted(room):
                taken = min(left, room[name])
                if taken > 0:
                    claim = NodeWindow(at, end, (need.outlook.request,) * taken)
                    self._claims.setdefault(name, []).append(_Held(need.outlook, claim))
                    left -= taken


def _common_window(views: list[_View], run_us: int) -> Instant | None:
    """Return the earliest instant from which on all needs have room for so long."""
    at: Instant | None = None
    while True:
        later = at
        for view in views:
            found = view.profile.earliest(view.need.slots, run_us, later)
            if found is None:
                return None
            later = found
        if later == at:
            return at
        at = later


def _least_of(steps: Steps, begin: Instant, end: Instant) -> int:
    before = [slots for at, slots in steps if at <= begin]
    inside = [slots for at, slots in steps if begin < at < end]
    return min([*before[-1:], *inside], default=0)
