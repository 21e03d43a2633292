"""`evenflow replay-trace`: a workload log pushed through a running system.

In comes a log in the Standard Workload Format, out go its submissions, each at its own time, and
the figures of what became of them: waits, slowdowns, ends. Imports `evenflow.client` only.
"""
