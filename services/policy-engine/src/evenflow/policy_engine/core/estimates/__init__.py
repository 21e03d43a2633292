"""How long jobs will run: by limit, by the user's last two runs, or learned from similar runs.

It takes what is known of a job before it runs and the runs that have ended; it returns microseconds
to plan with, or None where nobody knows. An installed estimator is asked through `SafeEstimator`,
so that plans stay possible whatever it answers. `Planning` follows the settings, and `run_times`
says what limits alone tell. It imports no other room.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from evenflow.policy_engine.core.estimates.estimator import (
    Dumped,
    Estimator,
    EstimatorKind,
    Features,
)
from evenflow.policy_engine.core.estimates.learned import Learned
from evenflow.policy_engine.core.estimates.limit import Limit
from evenflow.policy_engine.core.estimates.mean2 import Mean2
from evenflow.policy_engine.core.estimates.safe_estimator import SafeEstimator, make_safe

BUILT_IN: Final[Mapping[str, EstimatorKind]] = MappingProxyType(
    {Limit.name: Limit, Mean2.name: Mean2, Learned.name: Learned}
)
"""What makes a fresh estimator, by the name that settings and options give."""

__all__ = [
    "BUILT_IN",
    "Dumped",
    "Estimator",
    "EstimatorKind",
    "Features",
    "Learned",
    "Limit",
    "Mean2",
    "SafeEstimator",
    "make_safe",
]
