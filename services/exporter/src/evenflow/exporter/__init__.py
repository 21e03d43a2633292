"""Tells the log what a cluster looks like, and who held how much for how long.

In come what the cluster shows, every fact of the log, and the last sample of the stream; out go
`cluster.observed`, `usage.sampled`, Prometheus text and line protocol. It never changes a cluster.
Rooms, top to bottom: `app`, what it runs (`cluster_watch`, `sampler`, `metrics`), `adapters`,
`core`. Imports the shared library, and no other service.
"""
