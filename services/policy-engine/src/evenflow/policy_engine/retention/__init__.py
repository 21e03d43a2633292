"""Cutting the log: up to where nobody needs it, right behind a base, by the engine that leads.

In come the log's extent, the bases and the readers' cursors; out goes a cut, with a record, a line
in the log of the process, and metrics. Where to cut is `evenflow.common.domain.retention`'s.
"""
