from pathlib import Path

import pytest

from evenflow.common.domain.clock import HOUR, SECOND
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.core_run.machine import BEGIN
from evenflow.simulator.core_run.simulate import run_core
from evenflow.simulator.traces.fleet import read_fleet

EXAMPLE = Path(__file__).parents[4] / "examples" / "fleets" / "two-teams.yaml"
NODES = "nodes: [{name: dgx, count: 2, resources: {cpu: 64, memory: 512Gi, gpu: 8}}]\n"
JOB = "jobs: [{run: 1h, resources: {gpu: 1}}]\n"


def a_fleet(tmp_path, text):
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    return read_fleet(path)


def test_nodes_queues_and_jobs_are_read_as_they_stand(tmp_path):
    fleet = a_fleet(
        tmp_path,
        """
nodes:
  - {name: dgx, count: 2, resources: {cpu: 64, gpu: 8}, labels: {rack: r1}}
  - {name: old, resources: {cpu: 500m, gpu: 1}}
queues:
  vision/train: {weight: 2, deserved: {gpu: 4}, limit: {gpu: 12}, policy: fairshare, priority: 3}
  speech: {max_concurrent_jobs: 1, quota: {gpu: 2}}
jobs:
  - {id: a, queue: vision/train, user: ann, submit: 1h30m, run: 20m, limit: 1h, tasks: 3,
     resources: {gpu: 2, cpu: 4}, priority: 5, preemptible: false, selector: {rack: r1}}
""",
    )
    machine, job, spec = fleet.machine, fleet.trace.jobs[0], fleet.machine.specs[0]
    assert [node.name for node in machine.nodes] == ["dgx-1", "dgx-2", "old"]
    assert machine.nodes[2].capacity == {"cpu": 500, "gpu": 1000}
    assert machine.nodes[0].labels == {"rack": "r1"}
    assert [queue.path for queue in machine.queues] == ["speech", "vision", "vision/train"]
    leaf = machine.queues[2]
    assert (leaf.weight, leaf.deserved, leaf.limit) == (2.0, {"gpu": 4000}, {"gpu": 12_000})
    assert (leaf.policy, leaf.priority) == ("fairshare", 3)
    assert machine.queues[0].max_concurrent_jobs == 1
    assert [(quota.path, quota.resources) for quota in machine.quotas] == [
        ("speech", {"gpu": 2000})
    ]
    assert (job.job_id, job.user, job.width) == ("a", "ann", 6)
    assert (job.submit_us, job.run_us, job.limit_us) == (5400 * SECOND, 1200 * SECOND, HOUR)
    assert (spec.tasks, spec.priority, spec.preemptible) == (3, 5, False)
    assert spec.constraints.selector == {"rack": ("r1",)}
    assert spec.submitted_at == BEGIN + 5400 * SECOND
    assert fleet.trace.slots == 17


def test_generators_draw_the_same_jobs_from_the_same_seed(tmp_path):
    text = NODES + (
        "generators: [{count: 50, every: 10m, seed: %d, users: [ann, bob], tasks: [1, 2],"
        " run: {least: 1m, most: 2h}, limit_factor: 1.5, resources: {gpu: 1}}]"
    )
    one, same, other = (a_fleet(tmp_path, text % seed) for seed in (7, 7, 8))
    assert one.trace.jobs == same.trace.jobs
    assert one.trace.jobs != other.trace.jobs
    jobs = one.trace.jobs
    assert {job.user for job in jobs} == {"ann", "bob"}
    assert {job.width for job in jobs} == {1, 2}
    assert all(60 * SECOND <= job.run_us <= 2 * HOUR for job in jobs)
    assert all(job.run_us * 1.5 <= job.limit_us < job.run_us * 1.5 + SECOND for job in jobs)
    assert jobs == sorted(jobs, key=lambda job: job.submit_us)


def test_the_example_runs_to_its_end():
    fleet = read_fleet(EXAMPLE)
    run = run_core(fleet.trace, SchedulerSettings(backfill="off"), machine=fleet.machine)
    assert run.schedule.notes["never_started"] == 0
    assert run.schedule.share_error
    nightly = [j for j in run.outcome.jobs.values() if j.spec.name == "nightly"]
    assert len(nightly) == 60


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "nodes: None is missing", id="nothing"),
        pytest.param("nodes: []\n" + JOB, r"nodes: \[\] must have at least one", id="no nodes"),
        pytest.param("nodes: 3\n" + JOB, "nodes: 3 must be a list", id="nodes that are a number"),
        pytest.param(
            "nodes: [{name: a, resources: {gpu: -1}}]\n" + JOB,
            r"nodes\[0\].resources.gpu: -1 must be a quantity",
            id="a negative amount",
        ),
        pytest.param(
            "nodes: [{name: a, count: 0, resources: {gpu: 1}}]\n" + JOB,
            r"nodes\[0\].count: 0 must be a whole number",
            id="a group of nothing",
        ),
        pytest.param(
            "nodes: [{name: a, resources: {gpu: 1}}, {name: a, resources: {gpu: 1}}]\n" + JOB,
            r"nodes\[1\].name: 'a' makes a second node",
            id="a name twice",
        ),
        pytest.param(
            "nodes: [{nam: a, resources: {gpu: 1}}]\n" + JOB,
            r"nodes\[0\].nam: 'a' is unknown; did you mean name",
            id="a word misspelt",
        ),
        pytest.param(
            NODES + "queues: {Vision: {}}\n" + JOB,
            "queues: 'Vision' must start with a project id",
            id="no name of a project",
        ),
        pytest.param(
            NODES + "queues: {a/b: {policy: best}}\n" + JOB,
            "queues.a/b.policy: 'best' must be one of",
            id="no such policy",
        ),
        pytest.param(
            NODES + "queues: {a/b: {weight: .nan}}\n" + JOB,
            "queues.a/b.weight: nan must be a number",
            id="a weight that is no number",
        ),
        pytest.param(NODES, "jobs: None is missing", id="no jobs"),
        pytest.param(
            NODES + "jobs: [{resources: {gpu: 1}}]",
            r"jobs\[0\].run: None is missing",
            id="a job of no length",
        ),
        pytest.param(
            NODES + "jobs: [{run: 0s, resources: {gpu: 1}}]",
            r"jobs\[0\].run: '0s' must be above 0",
            id="a job of length zero",
        ),
        pytest.param(
            NODES + "jobs: [{run: 5m, queue: a/b, resources: {gpu: 1}}]",
            r"jobs\[0\].queue: 'a/b' must be a queue without others: default/default",
            id="no such queue",
        ),
        pytest.param(
            NODES + "jobs: [{run: 5m, priority: 101, resources: {gpu: 1}}]",
            r"jobs\[0\].priority: 101 must be between 0 and 100",
            id="a priority that no job may have",
        ),
        pytest.param(
            NODES + "generators: [{count: 5, every: 1m, resources: {gpu: 1},"
            " run: {least: 2m, most: 1m}}]",
            r"generators\[0\].run.most: '1m' must not be below",
            id="a span upside down",
        ),
        pytest.param(
            NODES + "generators: [{count: 2000000, every: 1m, run: 1m, resources: {gpu: 1}}]",
            r"generators\[0\].count: 2000000 must be a whole number, 1 to 1000000",
            id="too many jobs",
        ),
        pytest.param("nodes: [\n", "is not YAML", id="no YAML"),
        pytest.param("- nodes\n", "must be a mapping", id="a list"),
    ],
)
def test_what_is_wrong_is_named_by_field_value_and_rule(tmp_path, text, told):
    with pytest.raises(InvalidValue, match=told):
        a_fleet(tmp_path, text)
