"""A recorded past, decided again: by the same rules, or by others.

It takes the facts of a log and folds them as the engine does; each recorded decision is decided
again from exactly what it saw, and both are returned. `Rules` says what differs when one asks "what
if". It may import all other rooms.
"""
