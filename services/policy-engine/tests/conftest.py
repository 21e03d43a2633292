"""Shards that tests share, from where they stand."""

from tests.fleets.obedient import asked, obedient, reserving

__all__ = ["asked", "obedient", "reserving"]
