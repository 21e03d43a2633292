"""Usage over time in the view: what attempts have held by the hour, and archived snapshots.

Folded entries come in, sums by hour and day go out. `sweep.py` keeps it small: hours become days,
and what is too old goes. It imports the tables beside it and `view/rules`.
"""
