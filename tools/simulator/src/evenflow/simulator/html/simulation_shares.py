"""Shares of users over a simulation, against what each was entitled to."""

from collections.abc import Sequence

import numpy as np

from evenflow.common.domain.clock import SECOND
from evenflow.simulator.html.page import Key, Plot, Section
from evenflow.simulator.html.palette import FAINT, series
from evenflow.simulator.html.plots import Curve, Panel, panels
from evenflow.simulator.html.schedule_numbers import keys_of, shortened
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.shares import holdings_of, hours_of_shares


def share_sections(schedules: Sequence[Schedule]) -> list[Section]:
    """Return decayed usage of the largest users against equal shares; nothing without users."""
    curves: dict[str, list[Curve]] = {}
    entitled: list[Curve] = []
    for index, schedule in enumerate(schedules):
        held = holdings_of(schedule)
        if held is None:
            return []
        total = np.bincount(
            held.attempt_user, held.amount * ((held.end - held.start) / SECOND), len(held.users)
        )
        largest = np.argsort(-total, kind="stable")[:6]
        hours = list(hours_of_shares(held))
        begin = hours[0].at_us if hours else 0
        at = np.array([(hour.at_us - begin) / SECOND for hour in hours])
        for user in largest:
            share = np.zeros(len(hours))
            for place, hour in enumerate(hours):
                found = np.flatnonzero(hour.active == user)
                share[place] = hour.share[found[0]] if len(found) else np.nan
            name = held.users[user]
            curves.setdefault(name, []).append(Curve(schedule.label, at, share, series(index)))
        if index == 0:
            equal = np.array([1 / len(hour.active) for hour in hours])
            entitled = [Curve("equal share", at, equal, FAINT, is_dashed=True)]
    shown = [
        Panel(shortened(name), [_thinned(curve) for curve in (*entitled, *some)])
        for name, some in list(curves.items())[:6]
    ]
    columns = min(3, len(shown))
    keys = [*keys_of([s.label for s in schedules]), Key("equal share", FAINT, "dash")]
    plot = Plot(
        "Shares of the users who used most",
        panels(shown, columns=columns),
        (10.2, 2.1 * -(-len(shown) // columns) + 0.4),
        "Decayed usage of users as a part of all, against equal shares",
        keys,
        "Usage counts half when it is two days old; a gap: the user had no job then.",
    )
    return [Section("Shares over time, against entitlement", [plot])]


def _thinned(curve: Curve, most: int = 400) -> Curve:
    step = max(1, len(curve.x) // most)
    return Curve(curve.label, curve.x[::step], curve.y[::step], curve.colour, curve.is_dashed)
