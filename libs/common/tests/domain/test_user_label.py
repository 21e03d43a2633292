"""Users' names as clusters take them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.user_label import LONGEST, user_label

KUBERNETES_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
NAMES = st.text(min_size=1, max_size=255) | st.from_regex(r"[a-zA-Z0-9._@ -]{1,80}", fullmatch=True)


@given(NAMES)
def test_every_name_becomes_a_label(user: str) -> None:
    label = user_label(user)
    assert KUBERNETES_LABEL.fullmatch(label)
    assert len(label) <= LONGEST


@given(NAMES, NAMES)
def test_two_names_never_become_one(one: str, two: str) -> None:
    assert (user_label(one) == user_label(two)) == (one == two)


@given(NAMES)
def test_no_name_is_the_label_of_another(user: str) -> None:
    label = user_label(user)
    assert label == user or user_label(label) != label


@pytest.mark.parametrize("user", ["alice", "a", "0", "vision-bot", "a" * 63])
def test_a_plain_name_stays(user: str) -> None:
    assert user_label(user) == user


@pytest.mark.parametrize(
    ("user", "kept"),
    [("Bob.X_Y", "bob-x-y-x"), ("alice@example.org", "alice-example-org-x"), ("Müller", "m-ller-x"),
     ("李", "x"), ("a" * 64, "a" * 45 + "-x"), ("-", "x")],
)  # fmt: skip
def test_any_other_keeps_what_it_can(user: str, kept: str) -> None:
    label = user_label(user)
    assert label.startswith(kept)
    assert len(label) == len(kept) + 16
