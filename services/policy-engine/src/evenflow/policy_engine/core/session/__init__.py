"""One cycle while it runs: what it works with, has decided so far, and must not break.

`Session` holds the state, the settings, `now`, the gates and the decisions; `Promises` keeps room
for the first blocked jobs; `clearance` says what of a placement is in no reservation's way. Steps
take a session and start jobs through it; nothing of it outlives its cycle. It may import `state`
and what is below.
"""
