"""The placement experiment on small clusters, made by hand."""

import gzip
import json

import pytest

from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.openb import STRATEGIES, parse_seeds, run_openb
from evenflow.simulator.openb.files import read_nodes, read_pods

NODES = "sn,cpu_milli,memory_mib,gpu,model\n"
SMALL_AND_LARGE = (("n", 32_000), ("m", 96_000))
PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"


@pytest.fixture
def lists(tmp_path):
    """Write a list of nodes and one of pods; rows as in the files."""

    def write(nodes, pods):
        paths = tmp_path / "nodes.csv", tmp_path / "pods.csv"
        paths[0].write_text(NODES + "".join(f"{row}\n" for row in nodes))
        paths[1].write_text(PODS + "".join(f"{row}\n" for row in pods))
        return paths

    return write


def ratio(paths, strategy="least-fragmentation", **fields):
    return run_openb(*paths, strategy=strategy, **({"seeds": [1]} | fields)).gpu_allocated_ratio


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_pods_come_until_the_demand_is_reached_and_fill_what_they_can(lists, strategy):
    paths = lists(["n1,64000,65536,8,T4", "n2,64000,65536,2,T4"], ["p,1000,1024,1,1000,,"])
    report = run_openb(*paths, strategy=strategy, demand=1.3, seeds=[1])
    assert report.gpu_allocated_ratio == 1.0
    (only,) = report.filled
    assert (only.pods, only.placed_pods, only.skipped_pods) == (13, 10, 3)
    assert ratio(paths, strategy, demand=0.5) == 0.5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_pod_goes_to_the_models_that_it_names_only(lists, strategy):
    nodes = ["n1,64000,65536,2,T4", "n2,64000,65536,4,P100", "n3,64000,65536,2,A10"]
    assert ratio(lists(nodes, ["p,1000,1024,1,1000,T4|A10|none,"]), strategy) == 0.5
    assert ratio(lists(nodes, ["p,1000,1024,1,1000,none,"]), strategy) == 0.0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_part_of_a_gpu_lies_on_one_card(lists, strategy):
    # 0.4 is left on each card: together enough for another 0.6, alone not.
    paths = lists(["n1,64000,65536,4,T4"], ["p,1000,1024,1,600,,"])
    assert ratio(paths, strategy, demand=3) == 0.6


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_cpu_and_memory_must_fit_too(lists, strategy):
    nodes = ["n1,4000,65536,4,T4", "n2,64000,2048,4,T4"]
    paths = lists(nodes, ["p,2000,1024,1,1000,,"])
    assert ratio(paths, strategy, demand=3) == 0.5  # two by the CPU of n1, two by the memory of n2


def test_pods_without_gpus_take_cpu_and_do_not_mind_models(lists):
    paths = lists(["n1,2000,65536,2,T4"], ["p,1000,1024,1,1000,,", "c,1000,1024,0,0,P100,"])
    for seed in range(5):
        (only,) = run_openb(*paths, strategy="pack", demand=3, seeds=[seed]).filled
        assert only.placed_pods == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_equal_seeds_give_equal_results_and_others_differ(lists, strategy):
    nodes = [f"n{i},16000,65536,{1 + i % 4},T4" for i in range(20)]
    pods = [f"p{i},{1000 + 700 * i},1024,1,{150 + 90 * i},," for i in range(9)]
    paths = lists(nodes, pods)

    def figures(seeds):
        filled = run_openb(*paths, strategy=strategy, seeds=seeds).filled
        return [(each.pods, each.asked_gpu, each.allocated_gpu) for each in filled]

    once = figures(range(4))
    assert once == figures(range(4))
    assert once[2:] == figures([2, 3])
    assert len(set(once)) > 1


def test_all_strategies_see_the_same_pods(lists):
    nodes = [f"n{i},16000,65536,{1 + i % 4},T4" for i in range(20)]
    paths = lists(nodes, [f"p{i},{1000 + 700 * i},1024,1,{150 + 90 * i},," for i in range(9)])
    asked = {run_openb(*paths, strategy=s, seeds=[7]).filled[0].asked_gpu for s in STRATEGIES}
    assert len(asked) == 1


def test_least_fragmentation_keeps_cpu_for_the_gpus_that_are_left(lists):
    # The small nodes have 4 cores for each GPU. Whoever fills nodes first spoils those by jobs of
    # 12 cores, and the large ones, where 8 such jobs fit, by jobs of 2.
    nodes = [f"{name}{i},{cpu},65536,8,T4" for i in range(10) for name, cpu in SMALL_AND_LARGE]
    paths = lists(nodes, ["thin,2000,1024,1,1000,,", "fat,12000,1024,1,1000,,"])
    seeds = range(5)
    assert ratio(paths, seeds=seeds) > 0.98
    for strategy in ("random", "pack", "best-fit"):
        assert ratio(paths, strategy, seeds=seeds) < 0.92


def test_lists_are_read_plain_and_gzipped(lists, tmp_path):
    paths = lists(["n1,64000,65536,8,T4"], ["p,1000,1024,1,500,T4,LS", "q,2000,0,2,1000,,"])
    zipped = []
    for path in paths:
        zipped.append(tmp_path / f"{path.name}.gz")
        zipped[-1].write_bytes(gzip.compress(path.read_bytes()))
    assert read_nodes(zipped[0]) == read_nodes(paths[0])
    assert read_pods(zipped[1]) == read_pods(paths[1])
    pods, _ = read_pods(paths[1])
    assert [pod.resources["gpu"] for pod in pods] == [500, 2000]
    assert pods[0].constraints.selector == {"gpu-model": ("T4",)}


def test_the_shorter_form_of_pod_lists_is_read(lists):
    paths = lists(["n1,64000,65536,8,T4"], [])
    paths[1].write_text("name,cpu_milli,memory_mib,num_gpu,gpu_milli\np,1000,1024,1,1000\n")
    assert ratio(paths, demand=1) == 1.0


def test_rows_that_cannot_be_read_are_counted(lists):
    nodes = ["n1,64000,65536,8,T4", "n2,many,65536,8,T4", "n3,-1,1,1,T4", "n4,1"]
    pods = [
        "p,1000,1024,1,1000,,",
        "q,1000,1024,1,0,,",
        "r,1000,1024,1,1001,,",
        ",1,1,1,500,,",
        "x",
    ]
    report = run_openb(*lists(nodes, pods), strategy="pack", demand=1, seeds=[1])
    assert report.document()["unreadable_rows"] == 7
    assert report.nodes == 1
    assert report.gpu_allocated_ratio == 1.0


def test_the_document_has_the_mean_and_every_seed(lists):
    paths = lists(["n1,64000,65536,8,T4"], ["p,1000,1024,1,600,,"])
    told = []
    report = run_openb(*paths, strategy="best-fit", seeds=[3, 5], progress=told.append)
    document = json.loads(json.dumps(report.document()))
    assert document["gpu_allocated_ratio"] == pytest.approx(0.6)
    assert [each["seed"] for each in document["seeds"]] == [3, 5]
    for each in document["seeds"]:
        assert each["gpu_allocated_ratio"] == 0.6
        assert (each["placed_pods"], each["skipped_pods"]) == (8, 10)
    assert told == [0.5, 1.0]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"strategy": "worst"}, "strategy", id="a strategy that nobody has"),
        pytest.param({"demand": 0.0}, "demand", id="no demand"),
        pytest.param({"demand": float("nan")}, "demand", id="a demand that is no number"),
        pytest.param({"seeds": []}, "seeds", id="no seeds"),
    ],
)
def test_a_bad_argument_is_named(lists, fields, named):
    paths = lists(["n1,64000,65536,8,T4"], ["p,1000,1024,1,1000,,"])
    with pytest.raises(InvalidValue, match=named):
        run_openb(*paths, **({"strategy": "pack"} | fields))


@pytest.mark.parametrize(
    ("nodes", "pods", "named"),
    [
        pytest.param("", None, "nodes", id="an empty list of nodes"),
        pytest.param("sn,gpu\nn1,8\n", None, "cpu_milli", id="nodes without a column"),
        pytest.param(f"{NODES}n1,1,1,0,\n", None, "GPU", id="no node with a GPU"),
        pytest.param(f"{NODES}n1,1,1,1,\nn1,1,1,1,\n", None, "once", id="a node twice"),
        pytest.param(None, "", "pods", id="an empty list of pods"),
        pytest.param(None, f"{PODS}c,1000,1024,0,0,,\n", "GPU", id="demand never grows"),
        pytest.param(None, "\x1f\x8bgarbage", "cannot be read", id="a broken gzip file"),
    ],
)
def test_a_bad_file_is_named(lists, nodes, pods, named):
    paths = lists(["n1,64000,65536,8,T4"], ["p,1000,1024,1,1000,,"])
    for path, text in zip(paths, (nodes, pods), strict=True):
        if text is not None:
            path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidValue, match=named):
        run_openb(*paths, strategy="pack")


def test_a_missing_file_is_named(lists, tmp_path):
    paths = lists(["n1,64000,65536,8,T4"], ["p,1000,1024,1,1000,,"])
    with pytest.raises(InvalidValue, match=r"nothing\.csv"):
        run_openb(tmp_path / "nothing.csv", paths[1], strategy="pack")


def test_seeds_are_ranges_and_numbers():
    assert parse_seeds("42-51") == list(range(42, 52))
    assert parse_seeds("42, 43") == [42, 43]
    assert parse_seeds("7,1-3") == [7, 1, 2, 3]


@pytest.mark.parametrize("text", ["", "a", "5-", "-5", "9-3", "1,,2", "1-2-3", "0-999999999"])
def test_seeds_that_are_none_are_refused(text):
    with pytest.raises(InvalidValue, match="seeds"):
        parse_seeds(text)
