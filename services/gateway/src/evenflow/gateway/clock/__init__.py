"""The shard's clock: what it shows, and how fast it runs on simulated clusters.

A rate comes in, `clock.set` is appended, the clock's time goes out. It imports no other noun.
"""
