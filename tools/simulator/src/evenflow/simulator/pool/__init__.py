"""Logs on one pool of equal slots: the fast simulator, for what needs neither nodes nor queues."""

from evenflow.simulator.pool.simulate import BACKFILLS, ESTIMATES, ORDERS, simulate_pool

__all__ = ["BACKFILLS", "ESTIMATES", "ORDERS", "simulate_pool"]
