# ruff: noqa: D102, S101 - tests, though they live in the library that tests import them from
"""What every quota provider promises, as tests that each implementation inherits.

A test class provides the fixture `given`: a function from quotas to a provider of one cycle in
which they hold and nothing is used. There are queues `p`, `p/q` and `r`.
"""

from collections.abc import Callable

import pytest

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.plugins.quota_provider import QuotaInfo, QuotaProvider
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import GIB

Given = Callable[..., QuotaProvider]
ONE = {"cpu": 1000}
CARD = {"cpu": 1000, "gpu": 1000}


def usage(provider: QuotaProvider, path: str = "p") -> tuple[dict[str, int], int]:
    """Return resources and jobs used of a quota; zeros are left out."""
    info = provider.get_quota(path)
    assert info is not None
    return {name: amount for name, amount in info.used.items() if amount}, info.jobs


class QuotaProviderSuite:
    """The promises of QTA-01 and QTA-04 to QTA-08, and of budgets."""

    def test_without_a_quota_everything_is_granted(self, given: Given) -> None:
        provider = given()
        assert provider.get_quota("p") is None
        assert provider.check_quota("p", {"cpu": 10**9}, "training")
        assert provider.allocate_quota("p/q", {"cpu": 10**9}, "training", "w")

    def test_a_quota_is_told_with_what_is_used_of_it(self, given: Given) -> None:
        quota = Quota("p", {"cpu": 4000})
        provider = given(quota)
        assert provider.get_quota("p") == QuotaInfo(quota)
        provider.allocate_quota("p/q", ONE, "training", "w")
        assert provider.get_quota("p") == QuotaInfo(quota, ONE, 1, {"training": 1})

    @pytest.mark.parametrize(
        ("quota", "code"),
        [
            pytest.param(Quota("p", {"cpu": 2999}), ReasonCode.QUOTA_CPU, id="cpu"),
            pytest.param(Quota("p", {"memory": 3 * GIB}), ReasonCode.QUOTA_MEMORY, id="memory"),
            pytest.param(Quota("p", {"gpu": 1999}), ReasonCode.QUOTA_GPU, id="gpu"),
            pytest.param(Quota("p", {"x": 1}), ReasonCode.QUOTA_OTHER, id="any resource"),
            pytest.param(Quota("p", max_jobs=1), ReasonCode.QUOTA_JOBS, id="jobs"),
            pytest.param(Quota("p", max_by_type={"training": 1}), ReasonCode.QUOTA_TYPE, id="type"),
        ],
    )
    def test_what_is_used_up_is_refused_with_its_reason(
        self, given: Given, quota: Quota, code: ReasonCode
    ) -> None:
        provider = given(quota)
        wants = {"cpu": 1500, "memory": 2 * GIB, "gpu": 1000, "x": 1}
        assert provider.allocate_quota("p/q", wants, "training", "first")
        verdict = provider.check_quota("p/q", wants, "training")
        assert not verdict
        assert verdict.reason is not None
        assert (verdict.reason.code, verdict.path) == (code, "p")
        assert not provider.allocate_quota("p/q", wants, "training", "second")
        assert usage(provider) == (wants, 1), "a refusal takes nothing"

    def test_equality_passes(self, given: Given) -> None:
        provider = given(Quota("p", {"cpu": 2000}, max_jobs=2))
        assert provider.allocate_quota("p", ONE, "training", "first")
        assert provider.allocate_quota("p", ONE, "training", "second")
        assert not provider.allocate_quota("p", ONE, "training", "third")

    def test_more_than_the_whole_quota_is_said_to_be_hopeless(self, given: Given) -> None:
        verdict = given(Quota("p", {"cpu": 999})).check_quota("p", ONE, "training")
        assert verdict.reason is not None
        assert verdict.reason.code is ReasonCode.UNFITTABLE

    def test_zero_of_a_type_allows_none_and_absent_types_are_free(self, given: Given) -> None:
        provider = given(Quota("p", max_by_type={"training": 0}))
        assert not provider.check_quota("p", ONE, "training")
        assert provider.check_quota("p", ONE, "inference")

    def test_a_resource_that_is_not_asked_for_holds_nobody_back(self, given: Given) -> None:
        provider = given(Quota("p", {"gpu": 0}))
        assert provider.check_quota("p", ONE, "training")

    def test_one_that_is_not_enforced_lets_pass_and_counts(self, given: Given) -> None:
        provider = given(Quota("p", {"cpu": 1}, max_jobs=0, enforce=False))
        assert provider.allocate_quota("p", ONE, "training", "w")
        assert usage(provider) == (ONE, 1)

    def test_a_budget_with_something_left_of_it_is_granted(self, given: Given) -> None:
        provider = given(Quota("p", gpu_hours=1, period="day"))
        assert provider.allocate_quota("p/q", CARD, "training", "w")
        info = provider.get_quota("p")
        assert info is not None
        assert info.gpu_hours == 0, "what starts now has used nothing yet"

    def test_a_budget_that_is_used_up_refuses_gpus_and_says_until_when(self, given: Given) -> None:
        provider = given(Quota("p", gpu_hours=0, period="week"))
        verdict = provider.check_quota("p/q", CARD, "training")
        assert verdict.reason is not None
        assert (verdict.reason.code, verdict.path) == (ReasonCode.QUOTA_BUDGET, "p")
        detail = verdict.reason.detail
        assert (detail["queue"], detail["budget"]) == ("p", 0)
        assert isinstance(detail["until"], int)
        assert not provider.allocate_quota("p/q", CARD, "training", "w")
        assert provider.check_quota("p/q", ONE, "training"), "no budget is on cores"

    def test_a_budget_that_is_not_enforced_lets_pass(self, given: Given) -> None:
        provider = given(Quota("p", gpu_hours=0, period="month", enforce=False))
        assert provider.allocate_quota("p/q", CARD, "training", "w")

    def test_budgets_of_all_levels_hold(self, given: Given) -> None:
        provider = given(
            Quota("p", gpu_hours=5, period="day"), Quota("p/q", gpu_hours=0, period="day")
        )
        assert provider.check_quota("p", CARD, "training")
        assert provider.check_quota("p/q", CARD, "training").path == "p/q"
        assert provider.check_quota("r", CARD, "training")

    def test_quotas_of_all_levels_hold(self, given: Given) -> None:
        provider = given(Quota("p", {"cpu": 3000}), Quota("p/q", {"cpu": 1000}))
        assert provider.allocate_quota("p/q", ONE, "training", "first")
        below = provider.check_quota("p/q", ONE, "training")
        assert (bool(below), below.path) == (False, "p/q")
        assert provider.allocate_quota("p", {"cpu": 2000}, "training", "second")
        above = provider.check_quota("p/q", ONE, "training")
        assert (bool(above), above.path) == (False, "p")

    def test_projects_do_not_touch_each_other(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=1), Quota("r", max_jobs=1))
        assert provider.allocate_quota("p", ONE, "training", "first")
        assert provider.allocate_quota("r", ONE, "training", "second")

    def test_checking_takes_nothing(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=1))
        assert all(provider.check_quota("p", ONE, "training") for _ in range(3))
        assert usage(provider) == ({}, 0)

    def test_allocating_twice_is_true_and_counts_once(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=1))
        assert provider.allocate_quota("p/q", ONE, "training", "w")
        assert provider.allocate_quota("p/q", ONE, "training", "w")
        assert usage(provider) == (ONE, 1)

    def test_releasing_makes_room(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=1))
        provider.allocate_quota("p/q", ONE, "training", "first")
        provider.release_quota("p/q", ONE, "training", "first")
        assert usage(provider) == ({}, 0)
        assert provider.allocate_quota("p/q", ONE, "training", "second")

    def test_releasing_twice_or_what_was_never_allocated_does_nothing(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=2))
        provider.allocate_quota("p/q", ONE, "training", "kept")
        provider.allocate_quota("p/q", ONE, "training", "gone")
        for workload in ("gone", "gone", "never"):
            provider.release_quota("p/q", ONE, "training", workload)
        assert usage(provider) == (ONE, 1)

    def test_what_was_recorded_is_given_back_whatever_is_said(self, given: Given) -> None:
        provider = given(Quota("p"))
        provider.allocate_quota("p/q", ONE, "training", "w")
        provider.release_quota("p", {"cpu": 99_000}, "inference", "w")
        assert provider.get_quota("p") == QuotaInfo(Quota("p"))

    def test_a_released_workload_may_come_back(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=1))
        for _ in range(2):
            assert provider.allocate_quota("p/q", ONE, "training", "w")
            provider.release_quota("p/q", ONE, "training", "w")

    def test_synchronising_keeps_what_is_allocated(self, given: Given) -> None:
        provider = given(Quota("p", max_jobs=1))
        provider.allocate_quota("p/q", ONE, "training", "w")
        provider.sync_quota_state()
        assert usage(provider) == (ONE, 1)
        assert not provider.check_quota("p", ONE, "training")
