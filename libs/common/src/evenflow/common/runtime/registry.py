"""Families of parts that are added by registration, not by editing Evenflow (ARCH-12).

A family is `clusters`, `policies`, `quota_providers` and so on. What comes with Evenflow is
registered in code; an installed distribution adds to it with an entry point of the group
`evenflow.<family>`:

    [project.entry-points."evenflow.policies"]
    shortest = "our_policies.shortest:SHORTEST"

The entry point's name is the name that settings give, and the object it leads to carries the same.
Until one is asked for, only names are read: what nobody chose is never imported.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Generic, Protocol, TypeGuard, TypeVar

from evenflow.common.domain.errors import EvenflowError

_OURS: Final = "evenflow itself"


class Named(Protocol):
    """What every family's parts have."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""


class PluginError(EvenflowError):
    """A part was asked for that cannot be had; nothing was started."""


class UnknownPlugin(PluginError):
    """No part of the family has that name."""

    def __init__(self, family: str, name: str, known: tuple[str, ...]) -> None:
        """List what there is instead."""
        super().__init__(f"no {name!r} among {family}; known are {', '.join(known)}")
        self.name = name
        self.known = known


class NameTaken(PluginError):
    """Two parts of a family claim one name."""

    def __init__(self, family: str, name: str, holder: str, claimant: str) -> None:
        """Name both, so that one of them can be uninstalled."""
        super().__init__(f"{name!r} among {family} is claimed by {holder} and by {claimant}")
        self.name = name


class BrokenPlugin(PluginError):
    """A part is registered and cannot be used."""

    def __init__(self, family: str, name: str, origin: str, reason: str) -> None:
        """Say whose it is and what is wrong with it."""
        super().__init__(f"{name!r} among {family}, from {origin}, cannot be used: {reason}")
        self.name = name


T = TypeVar("T", bound=Named)


def _as_it_is(name: str, found: object) -> object:  # noqa: ARG001
    return found


class Registry(Generic[T]):
    """One family: its names, and each part once it is asked for."""

    def __init__(
        self,
        family: str,
        is_part: Callable[[object], TypeGuard[T]],
        built_in: Mapping[str, str],
        *,
        adapt: Callable[[str, object], object] = _as_it_is,
    ) -> None:
        """`built_in` maps names to `module:attribute`; `is_part` judges what that leads to.

        `adapt` makes a part of what is written otherwise: it is given the name and what is found.
        """
        self.family: Final = family
        self._is_part = is_part
        self._adapt = adapt
        self._points: dict[str, tuple[EntryPoint, str]] = {}
        self._loaded: dict[str, T] = {}
        self._is_searched = False
        for name, reference in built_in.items():
            self.register(name, reference)

    def register(self, name: str, reference: str, *, origin: str = _OURS) -> None:
        """Add a part by its `module:attribute`; `origin` says whose it is.

        Raises:
            NameTaken: another part has that name.
        """
        self._add(EntryPoint(name, reference, group_of(self.family)), origin)

    def names(self) -> tuple[str, ...]:
        """Return all names, sorted.

        Raises:
            NameTaken: two distributions, or one and Evenflow, claim the same.
        """
        return tuple(sorted(self._known()))

    def get(self, name: str) -> T:
        """Return a part, importing its module if this is the first time.

        Raises:
            UnknownPlugin: nothing has that name.
            NameTaken: two parts of the family claim one name, this or another.
            BrokenPlugin: its import failed, or it is no part of this family.
        """
        known = self._known()
        if name not in known:
            raise UnknownPlugin(self.family, name, self.names())
        if name not in self._loaded:
            self._loaded[name] = self._load(*known[name])
        return self._loaded[name]

    def every(self) -> dict[str, T]:
        """Return all parts by name, in order: for families of which any may be chosen later.

        Raises:
            PluginError: as `get`.
        """
        return {name: self.get(name) for name in self.names()}

    def _known(self) -> dict[str, tuple[EntryPoint, str]]:
        if not self._is_searched:
            for point in entry_points(group=group_of(self.family)):
                self._add(point, _origin(point))
            self._is_searched = True
        return self._points

    def _add(self, point: EntryPoint, origin: str) -> None:
        if (holder := self._points.get(point.name)) is not None:
            raise NameTaken(self.family, point.name, _told(*holder), _told(point, origin))
        self._points[point.name] = (point, origin)

    def _load(self, point: EntryPoint, origin: str) -> T:
        try:
            part = self._adapt(point.name, point.load())
        except Exception as error:  # the module is somebody else's: anything may come out of it
            reason = f"{type(error).__name__}: {error}"
            raise BrokenPlugin(self.family, point.name, _told(point, origin), reason) from error
        if not self._is_part(part):
            reason = "it has not what a part of this family needs"
            raise BrokenPlugin(self.family, point.name, _told(point, origin), reason)
        if part.name != point.name:
            reason = f"it calls itself {part.name!r}"
            raise BrokenPlugin(self.family, point.name, _told(point, origin), reason)
        return part


def group_of(family: str) -> str:
    """Return the entry points' group of a family."""
    return f"evenflow.{family}"


def installed_names(family: str) -> tuple[str, ...]:
    """Return what installed distributions add to a family, by name, sorted; imports nothing."""
    return tuple(sorted({point.name for point in entry_points(group=group_of(family))}))


def _origin(point: EntryPoint) -> str:
    return f"distribution {point.dist.name}" if point.dist else "a distribution without a name"


def _told(point: EntryPoint, origin: str) -> str:
    return f"{origin} ({point.value})"
