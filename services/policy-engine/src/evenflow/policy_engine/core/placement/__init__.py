"""Placement: on which nodes the tasks of a job go. Nothing here knows queues, quotas or time."""

from evenflow.policy_engine.core.placement.rooms import Rooms
from evenflow.policy_engine.core.placement.shape import Shape

__all__ = ["Rooms", "Shape"]
