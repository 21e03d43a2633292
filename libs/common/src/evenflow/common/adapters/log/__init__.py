"""A shard's log on NATS: writers, readers, leases, checkpoints, cursors, dead letters.

Facts go in and entries come out; `shard_log.open_shard_log` opens all of it. It may import `nats`,
the ports and contracts, and knows no service.
"""
