"""The short steps of a cycle: evict, reopen, place, start heads, grow, tell reasons.

Each takes the session of one cycle and decides one kind of thing: which attempts lost their node,
which job classes get turns again, which job starts on its turn, which elastic gangs grow, and what
is news to those that still wait. What a step decides it adds to the session. The longer steps have
rooms of their own (`backfill`, `preemption`). It may import those and all that is below them.
"""
