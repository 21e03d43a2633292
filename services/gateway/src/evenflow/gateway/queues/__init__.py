"""Queues: looked at, made, changed and removed, and the one way in which definitions are appended.

Bodies come in, `queues.defined` and `queues.deleted` are appended under a fence, and the folded
state goes out as documents. It imports no other noun: quotas, fleets and jobs build upon it.
"""
