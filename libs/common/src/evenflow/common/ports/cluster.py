"""A kind of cluster, in one registration: how it is acted on, observed and configured.

Whatever differs between kinds stands here, so that a new one changes no service. A kind is
registered in the family `clusters`; see `runtime.registry`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from evenflow.common.domain.clock import Instant
from evenflow.common.ports.executor import ClusterObserver, Executor


class ShardTime(Protocol):
    """The shard's clock. A fact may set it, or change its rate, at any moment."""

    def now(self) -> Instant:
        """Return the shard's time."""

    def at(self, wall: Instant) -> Instant:
        """Return the shard's time at an instant of the wall clock."""

    def wall_seconds(self, shard_us: int) -> float:
        """Return how many wall seconds so many microseconds of the shard take."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call the listener whenever the clock was set or runs at another rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSetup:
    """What the settings say about the cluster."""

    # The setting `cluster`, whole: its kind, and behind a colon what only the kind can read.
    spec: str
    # Where this process may write.
    data_dir: Path
    # Section `executor.<kind>`: checked for the kinds that come with Evenflow, raw for others.
    options: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class ClusterKind(Protocol):
    """A kind of cluster. `name` is also the cluster's, and what jobs name as their executor."""

    @property
    def name(self) -> str:
        """What stands before the colon of the setting `cluster`."""

    @property
    def is_this_machine(self) -> bool:
        """Whether its runs are processes here: whoever interrupts Evenflow wants them stopped."""

    @property
    def force_after_seconds(self) -> float | None:
        """After so long out of reach a run that may be alive is let go of; None: never (JOB-09)."""

    def check(self, setup: ClusterSetup) -> None:
        """Judge the settings, without touching the cluster.

        Raises:
            InvalidValue: a setting breaks a rule; `field` is its key.
        """

    def check_job(self, config: Mapping[str, object]) -> None:
        """Judge the `executor_config` of a job before it is accepted; in the gateway, without I/O.

        Raises:
            InvalidValue: it breaks a rule; `field` starts with `executor_config`.
        """

    def executor(self, setup: ClusterSetup, time: ShardTime) -> Executor:
        """Return the *act* half, not yet open."""

    def observer(self, setup: ClusterSetup) -> ClusterObserver:
        """Return the *observe* half."""
