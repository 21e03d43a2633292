# ruff: noqa: ARG002 - a provider for tests answers without looking
"""The local quota provider: its promises, over random histories, and its word in the cycle."""

from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from evenflow.common.domain.decisions.decisions import (
    PendingReason,
    Placement,
    ReasonCode,
    TaskPlacement,
)
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import cycle, quotas
from evenflow.common.domain.plugins.quota_provider import GRANTED, QuotaProviderKind, QuotaVerdict
from evenflow.common.domain.queues.quota import QUOTA_PROVIDERS, Quota
from evenflow.common.testing.builders import T0, Shard, a_node
from evenflow.common.testing.suites.quota import ONE, Given, QuotaProviderSuite, usage
from evenflow.policy_engine.core.gates.commitments import Commitments
from evenflow.policy_engine.core.gates.local_quotas import LOCAL, LocalQuotas
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.policy_engine.quota_kinds import told_the_time
from tests.fleets.engine import Engine


def a_shard(*given: Quota) -> Shard:
    shard = Shard().with_leader().with_queues("p/q", "r").with_nodes(a_node(cpu=64_000))
    if given:
        shard.tell(quotas.Set(given))
    return shard


def local(shard: Shard, now: int = T0) -> LocalQuotas:
    return LOCAL.provider(shard.state, Commitments(shard.state), now)


class TestLocalQuotas(QuotaProviderSuite):
    @pytest.fixture
    def given(self) -> Given:
        return lambda *given: local(a_shard(*given))


def test_it_is_the_one_that_settings_know():
    assert isinstance(LOCAL, QuotaProviderKind)
    assert (LOCAL.name,) == QUOTA_PROVIDERS


HOUR = 3_600_000_000


def test_a_budget_is_used_up_by_what_runs_and_free_again_when_its_period_turns():
    shard = a_shard(Quota("p", gpu_hours=2500, period="day"))
    shard.with_nodes(a_node("big", gpu=8000))
    spec = shard.submit(queue="p/q", resources={"gpu": 2000})
    midnight = T0 // (24 * HOUR) * 24 * HOUR
    place = Placement(spec.id, 1, (TaskPlacement("big", (0, 1)),))
    epoch = shard.state.epoch
    shard.tell(cycle.Decided(epoch, 0, T0, "1", placements=(place,)), at=midnight + HOUR)
    used_up = midnight + HOUR + 5 * HOUR // 4  # two cards for an hour and a quarter
    assert local(shard, used_up - 1).check_quota("p/q", {"gpu": 1}, "training")
    reason = local(shard, used_up).check_quota("p/q", {"gpu": 1}, "training").reason
    assert reason == PendingReason(
        ReasonCode.QUOTA_BUDGET,
        {
            "queue": "p",
            "budget": 2500,
            "period": "day",
            "until": midnight + 24 * HOUR,
        },
    )
    assert local(shard, used_up).get_quota("p").gpu_hours == 2500
    turned = midnight + 24 * HOUR
    assert local(shard, turned - 1).get_quota("p").gpu_hours == 45_999
    assert local(shard, turned).check_quota("p/q", {"gpu": 1}, "training")
    assert local(shard, turned).get_quota("p").gpu_hours == 0


def test_a_kind_that_is_not_told_the_time_works_as_before():
    shard = a_shard()
    own = Ledgerless()
    kind = with_kind(own).quotas
    assert kind.name == "own"
    assert kind.provider(shard.state, Commitments(shard.state), T0) is own
    assert with_kind(LOCAL).quotas is LOCAL


def with_kind(kind: Any) -> Plugins:
    """Return plug-ins with any kind, also one that the interface of today does not describe."""
    return Plugins(quotas=told_the_time(kind))


def decide(shard: Shard, plugins: Plugins | None = None) -> list[str]:
    return Engine(shard, plugins or Plugins()).placed()


def test_what_live_jobs_hold_is_allocated_already():
    shard = a_shard(Quota("p", max_jobs=1))
    spec = shard.submit(queue="p/q")
    assert decide(shard) == [spec.id]
    provider = local(shard)
    assert usage(provider) == (ONE, 1)
    assert provider.allocate_quota("p/q", ONE, "training", spec.id)
    assert usage(provider) == (ONE, 1)
    assert not provider.allocate_quota("p/q", ONE, "training", "another")


def test_a_live_job_can_be_released_and_taken_back_in_a_cycle_without_a_trace_in_the_state():
    shard = a_shard(Quota("p", max_jobs=1))
    spec = shard.submit(queue="p/q", tasks=2)
    decide(shard)
    provider = local(shard)
    for _ in range(2):
        provider.release_quota("p/q", ONE, "training", spec.id)
        assert usage(provider) == ({}, 0)
    assert provider.allocate_quota("p/q", ONE, "training", "another")
    provider.release_quota("p/q", ONE, "training", "another")
    assert provider.allocate_quota("p/q", {"cpu": 2000}, "training", spec.id)
    assert usage(provider) == ({"cpu": 2000}, 1)
    assert usage(local(shard)) == ({"cpu": 2000}, 1)


@drawn(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(["a", "b", "c", "d"]),
            st.sampled_from(["p", "p/q"]),
            st.integers(0, 3000),
            st.sampled_from(["training", "inference"]),
        ),
        max_size=40,
    )
)
def test_used_is_the_sum_of_records_and_never_above_the_quota(steps):
    provider = local(a_shard(Quota("p", {"cpu": 5000}, max_jobs=3, max_by_type={"training": 2})))
    records = {}
    for is_allocation, workload, path, cpu, job_type in steps:
        if is_allocation:
            is_granted = provider.allocate_quota(path, {"cpu": cpu}, job_type, workload)
            if is_granted:
                records.setdefault(workload, (cpu, job_type))
            else:
                assert workload not in records
        else:
            provider.release_quota(path, {"cpu": cpu}, job_type, workload)
            records.pop(workload, None)
        info = provider.get_quota("p")
        assert info.used.get("cpu", 0) == sum(cpu for cpu, _ in records.values()) <= 5000
        assert info.jobs == len(records) <= 3
        trainings = [kind for _, kind in records.values() if kind == "training"]
        assert info.jobs_by_type.get("training", 0) == len(trainings) <= 2


class Ledgerless:
    """A provider with records of its own, which grants what it is told to; it takes no time."""

    name = "own"

    def __init__(self, verdict: QuotaVerdict = GRANTED, *, allocates: bool = True) -> None:
        self.verdict = verdict
        self.allocates = allocates
        self.given: list[str] = []

    def provider(self, state, holdings):
        return self

    def get_quota(self, project_id):
        return None

    def check_quota(self, project_id, resources, job_type):
        return self.verdict

    def allocate_quota(self, project_id, resources, job_type, workload_id):
        self.given.append(workload_id)
        return self.allocates

    def release_quota(self, project_id, resources, job_type, workload_id):
        pass

    def sync_quota_state(self):
        pass


def test_the_chosen_provider_decides_and_its_reason_is_told():
    refusal = PendingReason(ReasonCode.PROVIDER_UNAVAILABLE, {"provider": "own"})
    shard = a_shard()
    spec = shard.submit(queue="p/q")
    assert decide(shard, with_kind(Ledgerless(QuotaVerdict(refusal)))) == []
    assert shard.job(spec).reason == refusal


def test_what_starts_was_allocated_and_queues_count_it_whoever_keeps_the_records():
    shard = a_shard()
    wants = [shard.submit(queue="p/q").id for _ in range(3)]
    own = Ledgerless()
    assert decide(shard, with_kind(own)) == wants == own.given
    assert shard.state.ledger.held("p").jobs == 3


def test_a_provider_that_takes_back_its_word_is_a_bug():
    shard = a_shard()
    shard.submit(queue="p/q")
    with pytest.raises(BrokenInvariant, match="granted, then refused"):
        decide(shard, with_kind(Ledgerless(allocates=False)))
