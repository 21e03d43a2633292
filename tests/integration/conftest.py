"""A whole running system for the tests of a module, and its REST."""

from collections.abc import Iterator

import httpx
import pytest

from tests.chaos.system import System, system_for_a_module


@pytest.fixture(scope="module")
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """A system by the module's `CONFIG`."""
    home = tmp_path_factory.mktemp("system")
    with system_for_a_module(home, request.module.CONFIG) as running:
        yield running


@pytest.fixture
def rest(system: System) -> Iterator[httpx.Client]:
    """Its REST."""
    with httpx.Client(base_url=system.state.url, headers=system.headers, timeout=10) as client:
        yield client
