"""`evenflow up`: a whole system on one machine, from the plan to the last goodbye.

In come options and settings, out come two servers and five services as processes of their own, and
a state file by which others find them. `supervisor` tells the story, `system` holds the children,
`readiness` and `heartbeats` wait, `servers`, `services` and `permissions` say what is started and
what it may do; `layout` decides places, ports and programs, `process` runs one child. Imports
`evenflow.client` for the state file, the settings of the shared library, and no other room.
"""
