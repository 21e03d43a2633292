"""What stands between a request and its noun, the same for all of them.

The guard before any route, bodies in, problems out, idempotency keys, facts appended to the log,
reads that wait for writes, streams of events, and the bus. It knows the view and plain values,
and no noun.
"""
