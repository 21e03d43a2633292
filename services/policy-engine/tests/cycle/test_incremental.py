"""The core that follows event by event decides like one that indexes the whole state anew.

Random histories of everything the log can tell: not only the placements agree, but the whole
decision, reasons included, byte for byte.
"""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.policy_engine.core.replay.replay import replay
from tests.fleets.everything import Everything
from tests.fleets.racing import as_bytes


def follow(seed: int) -> None:
    """Compare a core that follows a history with one that is indexed anew at each step."""
    world = Everything(seed)
    for _ in range(60):
        world.happen()
        world.decide()
        assert as_bytes(world.anew()) == as_bytes(world.again())


@given(st.integers(0, 10**9))
# The same histories each time: new ones are searched by hand, by the thousand.
@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
def test_following_event_by_event_decides_like_indexing_the_whole_state_anew(seed):
    follow(seed)


@pytest.mark.parametrize("seed", [25, 344, 516, 4031, 7132, 9405])
def test_histories_on_which_the_two_once_differed(seed):
    follow(seed)


@pytest.mark.parametrize("seed", range(10))
def test_any_history_is_decided_again_byte_for_byte(seed):
    world = Everything(seed)
    for _ in range(100):
        world.happen()
        world.decide()
    for one in replay(world.shard.entries):
        assert as_bytes(one.again) == as_bytes(one.recorded)
