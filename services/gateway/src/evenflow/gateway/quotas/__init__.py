"""Quotas: what a project, or a queue below one, may hold at once and use in a period.

Bodies come in, `quotas.set` is appended with the definitions of queues, and a quota goes out with
what is used of it. It imports queues, for a missing project is made with its quota.
"""
