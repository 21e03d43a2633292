"""Folds samples of usage into one decayed snapshot a poll, for everybody to read.

In come samples from a store of usage and the shard's clock; out go the snapshot in Redis and, with
the same text, `usage.snapshot-taken`. Nobody asks it anything during a cycle. `app` leads or stands
by; a `term` of leadership fetches and publishes, and keeps its ledger in the `ledger_store`. Rooms,
top to bottom: `app`, `config`, `term`, `ledger_store` and `metrics`, `adapters`, `core`. Imports
the shared library, and no other service.
"""
