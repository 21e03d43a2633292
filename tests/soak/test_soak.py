"""The short form of `make soak`: the load runs, the table names all there is, leaks are found."""

from pathlib import Path

import pytest

from tests.soak.growth import Look, grown, table
from tests.soak.run import soak

MIB = 2**20


async def test_a_short_soak_lists_all_services_and_stores_each_with_what_cuts_it(tmp_path: Path):
    rows, jobs, _ = await soak(0.1, tmp_path)
    named = {row.what: row for row in rows}
    assert jobs >= 30
    assert {
        "memory gateway", "memory binder", "memory nats", "memory valkey", "disk gateway",
        "log EVENFLOW_main", "samples EVENFLOW_main_samples", "kv KV_EVENFLOW_main_cursors",
        "dead letters EVENFLOW_main_DEAD", "bases OBJ_EVENFLOW_main_checkpoints", "disk logs",
    } <= set(named)  # fmt: skip
    assert [row.what for row in rows if row.cut_by == "nothing"] == []
    assert named["log EVENFLOW_main"].held_bytes > 0
    assert "| log EVENFLOW_main |" in table(rows)


@pytest.mark.parametrize(
    ("what", "each_look", "leak"),
    [
        pytest.param("disk forgotten", MIB, "nothing cuts it", id="a store that nobody listed"),
        pytest.param(
            "kv KV_EVENFLOW_main_other", MIB, "nothing cuts it", id="a stream nobody knows"
        ),
        pytest.param("log EVENFLOW_main", 2 * MIB, "faster than", id="a listed store not cut"),
        pytest.param("memory gateway", 30 * MIB, "more than", id="a service past its bound"),
        pytest.param("memory gateway", MIB // 50, "", id="what is remembered on purpose"),
        pytest.param("disk forgotten", 100, "", id="noise"),
    ],
)
def test_what_grows_past_what_cuts_it_is_a_leak(what: str, each_look: int, leak: str):
    rows = grown([Look(number * 100, {what: number * each_look}) for number in range(30)])
    assert [leak in row.leak for row in rows] == [True]
    assert bool(rows[0].leak) is bool(leak)


def test_a_store_that_is_cut_again_and_again_is_no_leak():
    held = [(number % 5) * MIB for number in range(30)]
    rows = grown([Look(number * 100, {"disk unknown": size}) for number, size in enumerate(held)])
    assert [row.leak for row in rows] == [""]
