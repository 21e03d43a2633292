"""The log as server-sent events, one reader a client, resumed by sequence.

A sequence and kinds of facts come in, messages of the log go out as they are. It imports no other
noun.
"""
