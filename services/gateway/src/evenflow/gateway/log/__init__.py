"""The log as a noun: how full it is, who reads it, what was cut, and a copy of what it holds.

In comes the shard's log; out go documents. What the gateway refuses while the log is full is
`room.py`'s.
"""
