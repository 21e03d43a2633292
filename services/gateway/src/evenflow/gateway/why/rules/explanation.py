"""Who goes first and why, what is short, when it may start: in words. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.resources import format_amount
from evenflow.gateway.values.instants import shown_instant

_MINUTE: Final = 60
_HOUR: Final = 3600
_MOST_NAMED: Final = 3
Number = float | None


def because_in_words(basis: str, theirs: Number, mine: Number) -> str:
    """Return why one goes before another, with the numbers of both where there are any."""
    show = _SHOWN.get(basis)
    if show is None:
        return basis
    return f"{basis}: {show(theirs)} against {show(mine)}"


def ahead_in_words(name: str, user: str, because: str) -> str:
    """Return who is the first of those that go first, and why."""
    return f"the first is {name} of {user} ({because})"


def short_in_words(
    resource: str, wanted: int, free: int, per_task: int | None, largest: int | None
) -> str:
    """Return which resource is short, and how much of it there is."""
    shown = [format_amount(resource, amount) for amount in (wanted, free)]
    text = f"{resource} is short: it wants {shown[0]}, free are {shown[1]}"
    if largest is None:
        return text
    text += f" in all and at most {format_amount(resource, largest)} on one node"
    if per_task is not None and per_task != wanted:
        text += f", where one task wants {format_amount(resource, per_task)}"
    return text


def start_in_words(at: Instant, basis: str) -> str:
    """Return when a job may start, as a sentence."""
    if basis == "now":
        return "Nothing holds it up: the next cycle may start it."
    return f"It may start at {shown_instant(at)} at the earliest (basis: {basis})."


def deadline_in_words(deadline: Instant, end: Instant | None, now: Instant) -> str:
    """Return whether a job that has not ended is planned to meet its deadline, as a sentence."""
    shown = shown_instant(deadline)
    if deadline <= now:
        return f"Its deadline, {shown}, has passed."
    if end is None:
        return f"Its deadline is {shown}; whether it meets that nobody can say."
    if end <= deadline:
        return f"It is planned to meet its deadline, {shown}."
    return f"It is planned to miss its deadline, {shown}, by {rough_duration(end - deadline)}."


def resting_in_words(nodes: Sequence[str]) -> str:
    """Return which nodes take nothing because they refused to start runs, as a sentence."""
    named = ", ".join(nodes[:_MOST_NAMED]) + (" and others" if len(nodes) > _MOST_NAMED else "")
    return f"Unable to start runs just now, and tried again within seconds: {named}."


def no_start_in_words(why: str) -> str:
    """Return why no start is predicted, as a sentence."""
    return f"Nobody can say when it starts: {why}."


def rough_duration(us: Number) -> str:
    """Return a duration, roughly; what nobody knows is said so."""
    if us is None:
        return "unknown"
    seconds = us / SECOND
    if seconds < _MINUTE:
        return f"{seconds:g}s"
    minutes, rest = divmod(int(seconds), _MINUTE)
    if seconds < _HOUR:
        return f"{minutes}m{rest:02}s"
    return f"{minutes // _MINUTE}h{minutes % _MINUTE:02}m"


def _percent(ratio: Number) -> str:
    return "no share" if ratio is None else f"{100 * ratio:.3g} %"


def _number(number: Number) -> str:
    return "nothing" if number is None else f"{number:.10g}"


def _place(number: Number) -> str:
    return "nothing" if number is None else f"place {number:.0f}"


def _instant(at: Number) -> str:
    return "no deadline" if at is None else shown_instant(int(at))


_SHOWN: Final[Mapping[str, Callable[[Number], str]]] = {
    "submitted earlier": _place,
    "higher priority": _number,
    "higher multifactor priority": _number,
    "shorter": rough_duration,
    "must start earlier for its deadline": _instant,
    "its user has used less": _percent,
    "its user has used less of this queue": _percent,
    "its user holds less": _percent,
    "holds less of its fair share": _percent,
    "has used less for its weight": _percent,
}
"""By the bases that the engine names; of others no numbers are shown."""
