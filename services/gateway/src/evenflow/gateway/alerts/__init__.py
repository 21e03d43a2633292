"""Quota alerts: due when a threshold is crossed, appended once, listed, and posted to webhooks.

Folded entries come in; `quotas.alerted` is appended under a fence, and each receiver is told at
least once, in order. It imports queues, and what lies below all nouns.
"""
