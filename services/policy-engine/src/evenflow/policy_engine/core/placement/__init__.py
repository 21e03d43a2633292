"""Placement: on which nodes the tasks of a job go. Nothing here knows queues, quotas or time."""

from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.rooms import Rooms

__all__ = ["Rooms", "Shape"]
