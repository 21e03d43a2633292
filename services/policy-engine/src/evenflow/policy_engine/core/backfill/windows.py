"""Windows for waiting jobs, each beside those that were given before it: conservative backfill.

A window is a time and, on each node, a number of tasks. What was given is held against all that
come later; so nobody is delayed by who came behind.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.policy_engine.core import backfill
from evenflow.policy_engine.core.backfill.entry import Shadow
from evenflow.policy_engine.core.backfill.outlook import Claim, Domain, Slots
from evenflow.policy_engine.core.backfill.outlooks import Need
from evenflow.policy_engine.core.backfill.profile import FOREVER, Profile
from evenflow.policy_engine.core.backfill.promises import Promise
from evenflow.policy_engine.core.placement import Shape

if TYPE_CHECKING:
    from evenflow.policy_engine.core.indexes import Indexes

Steps = list[tuple[Instant, int]]


class _View(NamedTuple):
    """One need in one domain: free slots over time, and on which nodes they are."""

    need: Need
    profile: Profile
    plain: Slots  # of nodes without claims
    claimed: dict[str, Steps]


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
                if left < self.until and not backfill.may_backfill(Shadow(left, 0), end, slots):
                    return False
        return True

    def take(self, end: Instant, lost: tuple[int, ...]) -> None:
        """Let it have them."""
        for profile, slots in zip(self._profiles, lost, strict=True):
            profile.take(self.at, end, slots)


class Windows:
    """The windows of one cycle. They last no longer: early ends are used by the next one."""

    def __init__(self, state: "Indexes", now: Instant) -> None:
        """Nobody has a window."""
        self._state: Final = state
        self._now: Final = now
        self._claims: Final[dict[str, list[Claim]]] = {}

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
            self._claim(view, at, end)
        return Window(shape, domain, at, end, views)

    def _view(self, need: Need, domain: Domain) -> _View:
        outlook = need.outlook
        claimed = {
            name: outlook.steps(name, domain, claims, self._now)
            for name, claims in sorted(self._claims.items())
        }
        plain = outlook.slots_by(domain, need.slots, self._claims)
        deltas = [(at, gain) for at, _, gain in plain.gains]
        free = sum(plain.now.values())
        for steps in claimed.values():
            free += steps[0][1]
            deltas += [(at, slots - before) for (_, before), (at, slots) in pairwise(steps)]
        deltas.sort()
        return _View(need, Profile(self._now, free, deltas), plain, claimed)

    def _claim(self, view: _View, at: Instant, end: Instant) -> None:
        """Hold the slots of a need on nodes that have them, by name."""
        slots = dict(view.plain.now)
        for gained_at, name, gain in view.plain.gains:
            if gained_at <= at:
                slots[name] = slots.get(name, 0) + gain
        for name, steps in view.claimed.items():
            slots[name] = _least_of(steps, at, end)
        left, request = view.need.slots, view.need.outlook.request
        for name in sorted(slots):
            taken = min(left, slots[name])
            if taken > 0:
                claim = Claim(at, end, (request,) * taken)
                self._claims.setdefault(name, []).append(claim)
                left -= taken
            if not left:
                return


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
