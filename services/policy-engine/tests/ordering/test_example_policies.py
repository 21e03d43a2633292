"""The example under `examples/`, installed as it is: found, loaded, and followed."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from evenflow.common.domain.plugins.policy import Policy
from evenflow.common.testing.installed import install, on_path
from evenflow.common.testing.suites.policy import QUEUE, PolicySuite, some_jobs
from evenflow.policy_engine.config import policy_registry
from evenflow.policy_engine.core.ordering.plugin_policies import checked_choice

EXAMPLE = Path(__file__).parents[4] / "examples/newest-first"


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[dict[str, Policy]]:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    source = (EXAMPLE / "src/newest_first/__init__.py").read_text()
    folder = install(tmp_path, project["name"], project["entry-points"], newest_first=source)
    with on_path(folder):
        registry = policy_registry()
        yield {
            point.name: registry.get(point.name)
            for point in entry_points(group="evenflow.policies")
        }


class TestNewestFirst(PolicySuite):
    @pytest.fixture
    def policy(self, installed: dict[str, Policy]) -> Policy:
        return installed["newest-first"]


class TestNewestOfLightest(PolicySuite):
    @pytest.fixture
    def policy(self, installed: dict[str, Policy]) -> Policy:
        return installed["newest-of-lightest"]


def test_the_newest_goes_first(installed: dict[str, Policy]) -> None:
    jobs = some_jobs()
    assert checked_choice(installed["newest-first"], QUEUE, jobs) is jobs[-1]


def test_the_plain_kind_is_asked_and_its_answer_taken(installed: dict[str, Policy]) -> None:
    jobs = some_jobs()
    lightest = [job for job in jobs if job.spec.tasks == 1]
    assert len(lightest) < len(jobs)
    assert checked_choice(installed["newest-of-lightest"], QUEUE, jobs) is lightest[-1]
