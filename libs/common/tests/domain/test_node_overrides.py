"""What operators say of nodes holds over what clusters say, whatever comes in which order."""

from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.facts import cluster, nodes
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.nodes.labels import MAX_LABELS
from evenflow.common.domain.nodes.node import Node, Taint
from evenflow.common.testing.builders import a_node
from evenflow.common.testing.shard import Shard

CAPACITY = {"cpu": 1000}


def label(shard, node="n1", *removed, **labels):
    return shard.tell(nodes.Labelled((nodes.LabelChange(node, labels, removed),)))


def taint(shard, node="n1", *removed, **taints):
    return shard.tell(nodes.Tainted((nodes.TaintChange(node, taints, removed),)))


def labels_of(shard, node="n1"):
    return shard.state.nodes[node].labels


def test_a_label_of_an_operator_is_shown_and_the_node_is_named():
    shard = Shard().with_nodes(a_node(labels={"rack": "r1"}))
    folded = label(shard, model="a100")
    assert isinstance(folded, Folded)
    assert folded.nodes == {"n1"}
    assert labels_of(shard) == {"rack": "r1", "model": "a100"}


def test_it_survives_what_the_cluster_says_of_the_node_later():
    shard = Shard().with_nodes(a_node(labels={"rack": "r1"}))
    label(shard, rack="r9")
    taint(shard, broken="")
    shard.with_nodes(a_node(labels={"rack": "r2", "zone": "z"}, cpu=32_000))
    node = shard.state.nodes["n1"]
    assert (node.labels, node.taints) == ({"rack": "r9", "zone": "z"}, (Taint("broken"),))
    assert node.capacity["cpu"] == 32_000
    assert shard.state.observed["n1"].labels == {"rack": "r2", "zone": "z"}


def test_it_waits_for_a_node_that_went_to_come_back():
    shard = Shard().with_nodes(a_node())
    label(shard, rack="r9")
    shard.tell(cluster.Observed("simulated", gone=("n1",)))
    assert "n1" not in shard.state.nodes
    shard.with_nodes(a_node())
    assert labels_of(shard) == {"rack": "r9"}


def test_what_the_cluster_says_can_be_hidden_and_stays_so():
    shard = Shard().with_nodes(a_node(labels={"rack": "r1"}, taints=(Taint("spot", "yes"),)))
    label(shard, "n1", "rack")
    taint(shard, "n1", "spot")
    shard.with_nodes(a_node(labels={"rack": "r2"}, taints=(Taint("spot", "yes"),)))
    assert (labels_of(shard), shard.state.nodes["n1"].taints) == ({}, ())


def test_taking_away_what_only_an_operator_said_leaves_nothing_behind():
    shard = Shard().with_nodes(a_node())
    label(shard, rack="r9")
    taint(shard, spot="")
    label(shard, "n1", "rack", "never")
    taint(shard, "n1", "spot")
    assert (shard.state.node_labels, shard.state.node_taints) == ({}, {})
    assert shard.state.nodes["n1"] == shard.state.observed["n1"]


def test_a_taint_takes_the_place_of_all_with_its_key():
    taints = (Taint("a", "1"), Taint("a", "2"), Taint("b"))
    shard = Shard().with_nodes(a_node(taints=taints))
    taint(shard, a="3")
    assert shard.state.nodes["n1"].taints == (Taint("b"), Taint("a", "3"))


def test_names_that_are_none_and_too_many_change_nothing():
    shard = Shard().with_nodes(a_node())
    assert label(shard, **{"a b": "x"}).voids
    many = {f"l{number}": "" for number in range(MAX_LABELS)}
    assert not label(shard, **many).voids
    assert label(shard, another="").voids
    assert labels_of(shard) == many


NAMES = st.sampled_from(["a", "b", "c"])
PAIRS = st.dictionaries(NAMES, st.sampled_from(["", "1", "2"]), max_size=3)
TAINTS = PAIRS.map(lambda pairs: tuple(Taint(*pair) for pair in pairs.items()))
NODE = st.sampled_from(["n1", "n2"])
FACT = st.one_of(
    st.builds(
        lambda name, labels, taints: cluster.Observed(
            "c", (Node(name, "c", CAPACITY, labels, taints=taints),)
        ),
        NODE, PAIRS, TAINTS,
    ),
    st.builds(lambda name: cluster.Observed("c", gone=(name,)), NODE),
    st.builds(
        lambda *given: nodes.Labelled((nodes.LabelChange(*given),)),
        NODE, PAIRS, st.lists(NAMES, max_size=2, unique=True).map(tuple),
    ),
    st.builds(
        lambda *given: nodes.Tainted((nodes.TaintChange(*given),)),
        NODE, PAIRS, st.lists(NAMES, max_size=2, unique=True).map(tuple),
    ),
)  # fmt: skip


@given(st.lists(FACT, max_size=12), st.lists(FACT, max_size=6))
def test_a_state_that_was_loaded_goes_on_as_one_that_was_folded(before, after):
    shard = Shard()
    for fact in before:
        shard.tell(fact)
    other = Shard()
    other.state = checkpoint.load(checkpoint.dump(shard.state, "log"), "log")
    assert told(other) == told(shard)
    for fact in after:
        shard.tell(fact)
        other.tell(fact)
    assert told(other) == told(shard)
    assert list(other.state.nodes) == list(shard.state.nodes) == list(shard.state.observed)


def told(shard):
    state = shard.state
    return state.sequence, state.nodes, state.observed, state.node_labels, state.node_taints
