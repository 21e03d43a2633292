"""The log as a noun: how full it is, who reads it, what was cut or lost, a copy of it.

In comes the shard's log; out go documents, and `log.skipped` where an operator looks after what
nobody can read or what is gone. What the gateway refuses while the log is full is `room.py`'s.
"""
