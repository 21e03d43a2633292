"""Commands that define queues, quotas and what nodes take, against a running system."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]
FLEET = """\
queues:
  vision:
    weight: 3
    quota: {cpu: 8, gpu: null}
    queues:
      train: {weight: 2, limit: {cpu: 4}}
      batch: {priority: 5}
"""


def test_a_fleet_is_applied_once_and_differences_are_told(local, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    first = local.json("apply", "-f", str(file))
    assert (first["created"], first["changed"]) == (4, 0)
    second = local.json("apply", "-f", str(file))
    assert (second["created"], second["changed"], second["unchanged"]) == (0, 0, 4)
    file.write_text(FLEET.replace("weight: 3", "weight: 5"))
    assert "weight: 3.0 -> 5.0" in local.run("apply", "-f", str(file)).stdout
    file.write_text(FLEET.replace("weight: 2", "weight: -2"))
    refused = local.run("apply", "-f", str(file), check=False)
    assert refused.exit_code == 1
    assert "line 6: vision/train.weight" in refused.stderr


def test_the_life_of_a_queue(local) -> None:
    local.run(
        "queue", "create", "speech/asr", "--weight", "2", "--limit", "cpu=1", "--max-jobs", "5"
    )
    local.run("queue", "set", "speech/asr", "--max-jobs", "none", "--limit", "none")
    shown = local.json("queue", "show", "speech/asr")
    assert (shown["weight"], shown["max_concurrent_jobs"], shown["limit"]) == (2, None, None)
    twice = local.run("queue", "create", "speech/asr", check=False)
    assert twice.exit_code == 1
    assert "exists already" in twice.stderr
    local.run("queue", "disable", "speech/asr")
    closed = local.run("submit", "--queue", "speech/asr", "--", "true", check=False)
    assert closed.exit_code == 1
    assert "disabled" in closed.stderr
    local.run("queue", "enable", "speech/asr")
    waiting = local.run("submit", "--queue", "speech/asr", "--gpu", "640", "--", "true")
    held = local.run("queue", "delete", "speech/asr", "--yes", check=False)
    assert held.exit_code == 1
    assert "have not ended" in held.stderr
    local.run("cancel", waiting.stdout.split()[0])
    assert "deleted" in local.run("queue", "delete", "speech/asr", "--yes").stdout


def test_quotas_are_set_and_cleared(local) -> None:
    local.run("quota", "set", "audio", "--gpu", "4", "--jobs", "2", "--memory", "none")
    quota = local.json("quota", "show", "audio")
    assert (quota["gpu_quota"], quota["max_concurrent_jobs"], quota["memory_quota"]) == (4, 2, None)
    assert "no limit" in local.run("quota", "show", "audio").stdout
    half = local.run("quota", "set", "audio", "--gpu-hours", "100", check=False)
    assert half.exit_code == 1
    assert "budget_period" in half.stderr
    shown = local.run("quota", "set", "audio", "--gpu-hours", "100", "--period", "week").stdout
    assert "gpu-hours this week" in shown
    assert "the next week begins" in shown
    quota = local.json("quota", "set", "audio", "--gpu-hours", "none")
    assert (quota["gpu_hours_budget"], quota["budget_period"]) == (None, None)


def test_nodes_are_cordoned_and_take_work_again(local) -> None:
    (node,) = local.json("nodes")
    local.run("nodes", "cordon", node["name"])
    assert "cordoned" in local.run("nodes").stdout
    local.run("nodes", "uncordon", node["name"])
    assert local.json("nodes")[0]["is_cordoned"] is False
    nobody = local.run("nodes", "cordon", "nobody", check=False)
    assert nobody.exit_code == 1
