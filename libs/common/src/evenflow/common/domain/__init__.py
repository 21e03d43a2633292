"""The nouns of Evenflow, their arithmetic, and the one fold. Standard library only, pure.

Facts come in (`fold.fold.apply`), a state and what changed in it go out. Rooms, top to bottom:
`fold` and `plugins`; `state`; `facts`; `reservations`; `jobs`; `decisions`, `nodes`, `queues`,
`quotas`, `usage`; then durations, entries, resources, clock and errors, which import nothing above.
"""
