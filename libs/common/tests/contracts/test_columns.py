"""Columns give back what was put in, whatever it was."""

from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.contracts.columns import pack, unpack

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2),
    st.sampled_from("ab"),
    st.dictionaries(st.sampled_from("xy"), st.one_of(st.integers(0, 2), st.booleans())),
    st.lists(st.integers(0, 1), max_size=2),
)


@given(st.one_of(st.lists(PLAIN, max_size=50), st.lists(st.sampled_from(["a", "b", None]))))
def test_values_come_back_equal_and_of_the_same_type(values):
    back = list(unpack(pack(values)))
    assert [repr(value) for value in back] == [repr(value) for value in values]


def test_equal_values_are_one_object_when_read():
    one, two = unpack(pack([{"cpu": 1}, {"cpu": 1}]))
    assert one is two
