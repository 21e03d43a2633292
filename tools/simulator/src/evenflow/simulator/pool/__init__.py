"""Logs on one pool of equal slots: the fast simulator, for what needs neither nodes nor queues.

In comes a trace with a backfill, an order and an estimate by name; out goes its schedule. A
`discipline` says who starts: first come, most urgent first, or conservative windows; `forecast` is
what is known of run times. Imports backfill and estimates of the engine's core, `trace`,
`schedule`.
"""

from evenflow.simulator.pool.simulate import BACKFILLS, ESTIMATES, ORDERS, simulate_pool

__all__ = ["BACKFILLS", "ESTIMATES", "ORDERS", "simulate_pool"]
