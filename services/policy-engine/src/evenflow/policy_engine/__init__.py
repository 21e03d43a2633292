"""Decides who runs next, where, and why: the one service that writes decisions.

It folds the log, mirrors the newest usage snapshot, and while the broker lets it runs one cycle
after the other over its folded state (`core`, pure); it publishes `leader.decided`,
`cycle.decided` and `settings.set`, and answers why jobs wait. It may import `evenflow.common`, and
no other service.
"""
