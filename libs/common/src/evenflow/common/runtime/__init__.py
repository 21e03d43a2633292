"""The life of a service process: settings, logs, metrics, health, start, drain, its log.

`process.service.run_service` is the body of every service's `main`. Rooms, top to bottom: the log,
clusters, follower and usage mirror; `process`; `http` and logging; metrics, pacing and `settings`;
the registry of plug-ins. It may import adapters and all below them.
"""
