"""The log itself, as operators look after it: what no service can read, and what was lost.

A sequence and a reason come in, `log.skipped` is appended. It imports no other noun.
"""
