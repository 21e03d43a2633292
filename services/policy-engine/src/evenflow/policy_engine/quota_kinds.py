"""Kinds of quota providers that were written before providers were told the time."""

from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.plugins.quota_provider import Holdings, QuotaProvider, QuotaProviderKind
from evenflow.common.domain.state.shard_state import ShardState

_MANY: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class _Timeless:
    """Asks a kind as it wants to be asked: without the time."""

    kind: QuotaProviderKind

    @property
    def name(self) -> str:
        return self.kind.name

    def provider(
        self,
        state: ShardState,
        holdings: Holdings,
        now: Instant = 0,  # noqa: ARG002 - that is the point
    ) -> QuotaProvider:
        return self.kind.provider(state, holdings)


def told_the_time(kind: QuotaProviderKind) -> QuotaProviderKind:
    """Return a kind that may be given `now`, whether the one given takes it or not."""
    parameters = signature(kind.provider).parameters
    is_taken = "now" in parameters or any(each.kind in _MANY for each in parameters.values())
    return kind if is_taken else _Timeless(kind)
