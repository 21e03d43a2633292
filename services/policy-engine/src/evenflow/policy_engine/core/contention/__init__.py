"""Who may have to give way to whom, kept up to date between cycles, so that looking costs little.

It takes what the log tells of jobs, queues and claims, with shares, commitments and the first jobs
of leaves. It tells which leaves are below their fair share (starved), which may preempt by
priority, which jobs may be stopped for them, and keeps the room that is claimed for those whose
victims still stop. It decides nothing: `preemption` does. It may import `reservations`, `waiting`,
`availability`, `ordering`, `division`, `gates`, `estimates` and `placement`.
"""
