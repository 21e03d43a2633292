"""Says aloud which installed policies and estimates are not followed, and what is used instead."""

from evenflow.common.runtime.process.context import ServiceContext
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.metrics import EngineMetrics


class PluginWarnings:
    """What was said already, so that it is said once and taken back when it is over."""

    def __init__(self, ctx: ServiceContext, metrics: EngineMetrics) -> None:
        """Nothing was said."""
        self._ctx = ctx
        self._metrics = metrics
        self._unknown: dict[str, str] = {}  # queues whose policy is not known here
        self._failed: dict[str, str] = {}  # installed parts that are not followed, and why

    def warn_of_unknown(self, state: EngineState) -> None:
        """Say once which queues are ordered by another policy than they name, and by which."""
        unknown = state.unknown_policies()
        self._metrics.unknown_policies.set(len(unknown))
        for path, policy in unknown.items():
            if self._unknown.get(path) != policy:
                used = state.policy_of(path).name
                self._ctx.log.warning("policy_unknown", queue=path, policy=policy, used=used)
        self._unknown = unknown

    def warn_of_failed(self, state: EngineState) -> None:
        """Say loudly which installed parts failed, and what is used instead meanwhile."""
        failed = {
            f"policy {name}": f"ordered by fifo instead: {why}"
            for name, why in state.waiting.failed.items()
        } | {
            f"estimate {name}": f"planned by limits instead: {why}"
            for name, why in state.planning.failed.items()
        }
        if failed != self._failed:
            self._metrics.failed_policies.set(len(failed))
            for part, why in failed.items():
                if self._failed.get(part) != why:
                    self._ctx.log.error("plugin_failed", part=part, reason=why)
                self._ctx.health.warn(part, why)
            for part in self._failed.keys() - failed.keys():
                self._ctx.health.clear(part)
            self._failed = failed
