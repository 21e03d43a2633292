"""The recorded past, decided again: by the rules it was decided by, or by others.

In comes a recorded log, of a running system or a file, and other rules; out go cycles that are
decided otherwise, and the past as it might have gone. Rooms, top to bottom: `command`, `report`,
`what_if`, `rules` and `replay_log`, `recording`. Imports the engine's core, `core_run` and `html`.
"""
