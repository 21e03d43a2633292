"""A stretch of a log with what is needed to decide it again: where it comes from, how it is kept.

In come a span of sequences and a system or a file; out goes a `RecordedLog`: facts, the checkpoint
before them, and usage snapshots still decided by. Imports the log adapters and the client that
finds a system.
"""
