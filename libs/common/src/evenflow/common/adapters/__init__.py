"""NATS, Redis, clusters, the system clock: one library each."""
