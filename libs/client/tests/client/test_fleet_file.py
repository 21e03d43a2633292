"""Fleet files: the tree as a flat list, and every mistake with its line."""

import pytest

from evenflow.client.errors import ApiProblem, BadFleet, BrokenRule
from evenflow.client.fleet import read_fleet

QUOTA = {"cpu": 8, "memory": "16Gi", "gpu_hours": 2.5, "period": "week"}
GOOD = """\
queues:
  research:
    weight: 3
    quota: {cpu: 8, memory: 16Gi, gpu_hours: 2.5, period: week}
    queues:
      train: {limit: {gpu: 4}, max_concurrent_jobs: null}
  students:
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(BadFleet) as caught:
        read_fleet(text, "fleet.yaml")
    return list(caught.value.problems)


def test_a_tree_becomes_a_list_of_paths_with_parents_first() -> None:
    fleet = read_fleet(GOOD, "fleet.yaml")
    assert fleet.queues == [
        {"path": "research", "weight": 3, "quota": QUOTA},
        {"path": "research/train", "limit": {"gpu": 4}, "max_concurrent_jobs": None},
        {"path": "students"},
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("queues:\n  a: {wieght: 1}", "line 2: queue a: 'wieght' is unknown; did you "
                     "mean weight?", id="a misspelt field"),
        pytest.param("queus:\n  a:", "line 1: the file: 'queus' is unknown; did you mean queues?",
                     id="a misspelt root"),
        pytest.param("queues:\n  a:\n  b:\n  a:",
                     "line 4, column 3: not YAML: 'a' stands on line 2 already",
                     id="a queue stated twice"),
        pytest.param("queues:\n  a:\n    quota: {max_trainig_jobs: 3}", "did you mean "
                     "max_training_jobs", id="a misspelt quota"),
        pytest.param("queues: [a]", "line 1: queues must be a mapping, not a list", id="a list"),
        pytest.param("queues:\n  a: 3", "line 2: queue a must be a mapping", id="a number"),
        pytest.param("", "empty", id="nothing"),
        pytest.param("queues:\n  a: {weight: [}", "line 2, column 16: not YAML", id="not YAML"),
        pytest.param("queues:\n\ta:", "line 2", id="a tab"),
        pytest.param("queues: &x\n  a:\n    queues: *x", "stands before its anchor's end",
                     id="a loop"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(text: str, told: str) -> None:
    assert told in problems_of(text)[0]


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems_of("queues:\n  a: {wieght: 1}\n  b: {limits: {}}\n  c: []")) == 3


def test_what_the_system_refuses_is_told_with_the_line_of_the_file() -> None:
    fleet = read_fleet(GOOD, "fleet.yaml")
    rules = [
        BrokenRule("queues.research.weight", -1, "must be at least 0"),
        BrokenRule("queues.research/train.limit.gpu", -4, "must be at least 0"),
    ]
    located = fleet.located(ApiProblem(422, "invalid_request", "refused", errors=rules))
    assert isinstance(located, BadFleet)
    assert [line.partition(":")[0] for line in located.problems] == ["line 3", "line 6"]
