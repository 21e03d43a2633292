"""What this machine offers: detection from the files of a made-up system, and overrides."""

import os

import pytest

from evenflow.common.adapters.local.free_cores import FreeCores
from evenflow.common.adapters.local.machine import LocalMachine, usable_cpu, usable_memory
from evenflow.common.adapters.local.request import environment
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.ports.executor import RunOrder

GIB = 2**30
CORES = len(os.sched_getaffinity(0)) * 1000


def order(name="a-0-1", cpu=0, devices=()):
    return RunOrder(name, "a", 1, 0, 1, "here", {"cpu": cpu}, {}, devices)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: {8 * GIB // 1024} kB\nMemFree: 1 kB\n")
    return tmp_path


def put(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_without_groups_all_memory_and_cores_are_usable(root):
    assert (usable_memory(root), usable_cpu(root)) == (8 * GIB, CORES)


def test_the_smallest_limit_on_the_way_up_counts_in_groups_of_version_2(root):
    put(root, "proc/self/cgroup", "0::/a/b\n")
    put(root, "sys/fs/cgroup/a/memory.max", f"{2 * GIB}\n")
    put(root, "sys/fs/cgroup/a/b/memory.max", "max\n")
    put(root, "sys/fs/cgroup/a/cpu.max", "50000 100000\n")
    put(root, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n")
    assert (usable_memory(root), usable_cpu(root)) == (2 * GIB, 500)


def test_limits_of_version_1_count_and_its_huge_number_means_none(root):
    put(root, "proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n3:pids:/y\n")
    put(root, "sys/fs/cgroup/memory/x/memory.limit_in_bytes", f"{3 * GIB}\n")
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    put(root, "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "25000\n")
    put(root, "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n")
    put(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    assert (usable_memory(root), usable_cpu(root)) == (3 * GIB, 250)


async def test_this_machine_is_one_ready_node_and_settings_win():
    capacity = {"cpu": 8_000, "gpu": 2_000, "memory": 0}
    (node,) = await LocalMachine(capacity=capacity, name="desk").observe()
    assert (node.name, node.cluster, node.is_ready) == ("desk", "local", True)
    assert node.capacity == {"cpu": 8_000, "gpu": 2_000}
    assert {"arch", "os"} <= node.labels.keys()
    assert (node.labels["hostname"], node.kind) == (node.name, "local")


async def test_what_is_not_set_is_detected():
    (node,) = await LocalMachine().observe()
    assert 0 < node.capacity["cpu"] <= CORES
    assert node.capacity["memory"] > 0


def test_a_task_without_gpus_sees_none_on_a_machine_that_has_some():
    settings = LocalSettings(inherited=())
    assert environment(order(), {}, settings, {}, has_gpus=True)["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in environment(order(), {}, settings, {}, has_gpus=False)
    seen = environment(order(devices=(1, 2)), {}, settings, {}, has_gpus=True)
    assert seen["CUDA_VISIBLE_DEVICES"] == "1,2"


def test_a_config_overrides_the_base_but_not_what_we_say():
    wanted = {"PATH": "/mine", "EVENFLOW_JOB_ID": "other"}
    seen = environment(order(), wanted, LocalSettings(), {"PATH": "/bin", "X": "1"}, has_gpus=False)
    assert (seen["PATH"], seen["EVENFLOW_JOB_ID"], "X" in seen) == ("/mine", "a", False)


def test_cores_are_given_once_and_come_back():
    cores = FreeCores({0, 1, 2})
    assert cores.take(order("a-0-1", 2000)) == [0, 1]
    assert cores.take(order("a-0-1", 2000)) == [0, 1]
    assert cores.take(order("b-0-1", 2000)) == []
    assert cores.take(order("c-0-1", 500)) == []
    cores.free("a-0-1")
    assert cores.take(order("b-0-1", 2000)) == [0, 1]
