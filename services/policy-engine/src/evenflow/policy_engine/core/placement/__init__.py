"""On which nodes the tasks of a job go, and which shapes of jobs cannot have room for now.

It takes nodes, what live jobs hold of them, and the shape of a job: what its tasks ask for, with
constraints and strategy. It returns a node and devices for each task, all that must start or none,
and tells which blocked shapes a change may help. `Rooms` is what the others ask; `WhatIf` tries
the same with some jobs gone, and `LiveJobs` knows who is where. Nothing here knows queues, quotas
or time. It imports no other room of the core: inside, it may import `fragmentation`, which may
import `nodes`.
"""

from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.rooms import Rooms

__all__ = ["Rooms", "Shape"]
