"""Other rules on a recorded past: which decisions differ, and how it might have gone as a whole.

In come a recorded log and rules; out go its history, run times of its jobs, and three courses
compared: as recorded, modelled by the recorded rules, modelled by the others. Imports `core_run`
for the model, `replay_log`, `rules` and `recording`.
"""
