"""The machines of a system, and how the whole of it is."""

from collections.abc import Mapping
from typing import Any

Node = dict[str, Any]
"""A machine: name, cluster, capacity, what is free, labels, taints, whether it takes work."""

LabelChanges = Mapping[str, str | None] | None
"""Labels or taints of a machine to change, by name; None takes one away."""

Status = dict[str, Any]
"""The status of the whole system (API-01)."""
