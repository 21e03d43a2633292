"""NATS as Evenflow needs it: the connection, streams, one ordered feed, publishing exactly once.

Bytes on subjects go in and out; what they mean is known in `log`. The fence and its proof are here.
"""
