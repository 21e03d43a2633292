"""What the exporter tells of a cluster."""

from evenflow.common.contracts.codec import Envelope, encode
from evenflow.common.domain.nodes.node import Node
from evenflow.common.testing.builders import a_node
from evenflow.exporter.core.node_changes import MAX_RECORDS, compare_nodes, facts_of

N1, N2 = a_node("n1"), a_node("n2", gpu=8000)
KNOWN = {"n1": N1, "n2": N2}


def test_an_unchanged_cluster_makes_no_fact():
    assert list(facts_of("simulated", compare_nodes("simulated", (N2, N1), KNOWN))) == []


def test_new_changed_and_gone_nodes_are_told_and_no_others():
    change = compare_nodes("simulated", (N1, a_node("n3"), a_node("n2", gpu=4000)), KNOWN)
    assert [node.name for node in change.nodes] == ["n2", "n3"]
    assert compare_nodes("simulated", (N1,), KNOWN).gone == ("n2",)
    assert compare_nodes("simulated", (N1, a_node("n2", gpu=8000, is_ready=False)), KNOWN).nodes


def test_nodes_of_other_clusters_are_neither_gone_nor_taken_over():
    known = {"n1": a_node("n1", cluster="east")}
    change = compare_nodes("simulated", (N1,), known)
    assert (change.nodes, change.gone, change.foreign) == ((), (), ("n1",))


def test_a_fact_holds_at_most_500_nodes():
    many = [a_node(f"n{number:04}") for number in range(1201)]
    facts = list(facts_of("simulated", compare_nodes("simulated", many, {})))
    assert [len(fact.nodes) for fact in facts] == [MAX_RECORDS, MAX_RECORDS, 201]
    gone = list(facts_of("simulated", compare_nodes("simulated", (), {n.name: n for n in many})))
    assert sum(len(fact.gone) for fact in gone) == 1201


def test_nodes_with_long_labels_are_cut_by_what_they_weigh():
    labels = {f"example.org/{n}": "x" * 63 for n in range(400)}
    many = tuple(Node(f"n{i:03}", "simulated", {"cpu": 1000}, labels=labels) for i in range(300))
    facts = list(facts_of("simulated", compare_nodes("simulated", many, {})))
    assert [node for fact in facts for node in fact.nodes] == list(many)
    envelope = Envelope(event_id="e", occurred_at=0, shard="main", actor="exporter")
    sizes = [len(encode(envelope, fact)) for fact in facts]
    assert sum(sizes) > 8 * 2**20
    assert max(sizes) < 6 * 2**20
