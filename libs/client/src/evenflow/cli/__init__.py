"""The `evenflow` command.

In come words that people type, out go requests to a running system, or one that starts here, and
what became of them: tables and sentences on a terminal, JSON for programs. Rooms, top to bottom:
`main` and the `registry` of commands, `commands`, what some of them need (`demo`, `launcher`,
`replay_trace`), `following`, `inputs`, `display`. Imports `evenflow.client` and the shared
library, and no service: the launcher starts services as programs.
"""
