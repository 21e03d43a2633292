"""The whole core over virtual time: fold, usage and cycles, as the services run them.

In come a machine with its queues, jobs with their run times, and settings; out go a schedule, what
became of every job, and the cluster hour by hour. `shard_run` is the loop, `event_queue` what is to
come, `meter` usage, `job_recorder` and `hourly_recorder` what is kept. Imports the cores of engine,
exporter and aggregator, `trace`, `schedule` and `shares`.
"""
