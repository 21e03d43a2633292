"""A kept past is decided again to the same bytes; what differs is named, by its cycle."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from evenflow.cli.main import app
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.facts.log import Skip, Skipped
from evenflow.common.domain.fold.fold import pass_over
from evenflow.policy_engine.core.cycle import CORE_VERSION
from evenflow.policy_engine.core.state.plugins import OURS
from evenflow.simulator.replay.recording.log_file import read_log_file, write_log_file
from evenflow.simulator.replay.recording.recorded_log import message_of
from evenflow.simulator.replay.replay_log import replay_log
from tests.golden.pasts import World, busy, two_colours


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, words)], env={"COLUMNS": "100"})


def test_a_past_is_decided_again_with_no_difference(tmp_path):
    world = two_colours()
    done = run("--log", world.keep(tmp_path / "past.jsonl"))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{len(world.cycles)} cycles decided again, no difference\n"


@given(st.integers(0, 10**6))
@hypothesis_settings(max_examples=15, deadline=None)
def test_any_past_is_decided_again_from_its_beginning_and_from_any_base(seed):
    world = busy(seed)
    whole = replay_log(world.past(), OURS)
    assert whole.cycles == len(world.cycles)
    assert not whole.differences
    middle = world.cycles[len(world.cycles) // 2] - 1
    part = world.past_from(middle)
    snapshots = part.missing_snapshots()
    part.older = [line for line in world.past().lines if line[0] in snapshots]
    found = replay_log(part, OURS)
    assert found.cycles == sum(sequence > middle for sequence in world.cycles)
    assert not found.differences


@pytest.mark.parametrize("is_cleared", [False, True], ids=["as it lies", "as it is recorded"])
def test_what_all_services_passed_over_is_passed_over_again(tmp_path, is_cleared):
    world = two_colours()
    bad = world.state.sequence + 1
    pass_over(world.state, bad)
    world.submit("blue/q", 60, user="bea")  # decided by who had passed over it: saw its sequence
    world.tell(Skipped((Skip(bad, bad, "put there by hand"),)), "gateway")
    world.submit("red/q", 60, user="ruby")
    past = world.past()
    assert any(entry.fact.saw_sequence >= bad for entry in world.entries if is_cycle(entry))
    line = (bad, "evenflow.v1.main.jobs.submitted", b"" if is_cleared else b"garbage")
    past.lines.insert(bad - 1, line)
    write_log_file(past, tmp_path / "past.jsonl")
    again = replay_log(read_log_file(tmp_path / "past.jsonl", None, None), OURS)
    assert again.cycles == len(world.cycles)
    assert not again.differences


def test_what_nobody_said_to_pass_over_stops_a_replay(tmp_path):
    past = two_colours().past()
    past.lines.append((past.end + 1, "evenflow.v1.main.jobs.submitted", b"garbage"))
    write_log_file(past, tmp_path / "past.jsonl")
    with pytest.raises(UnreadableMessage, match=f"sequence {past.end + 1}"):
        replay_log(read_log_file(tmp_path / "past.jsonl", None, None), OURS)


def is_cycle(entry: Entry) -> bool:
    return isinstance(entry.fact, cycle.Decided)


def test_one_changed_byte_of_an_input_names_the_first_cycle_that_differs(tmp_path):
    world = two_colours()
    path = world.keep(tmp_path / "past.jsonl")
    text = path.read_text()
    # The second job asks for 2 GPUs instead of 1: the cycle that placed it differs, and no earlier.
    places = [m.start(1) for m in re.finditer(r'\\"gpu\\":(1)000', text)]
    changed = text[: places[1]] + "2" + text[places[1] + 1 :]
    assert sum(a != b for a, b in zip(text, changed, strict=True)) == 1
    path.write_text(changed)

    done = run("--log", path)

    assert done.exit_code == 1
    assert f"the cycle at sequence {world.cycles[1]} (" in done.stdout
    assert "1 cycle before it came out the same" in done.stdout
    assert "placements" in done.stdout
    document = json.loads(run("--log", path, "--json").stdout)
    assert document["differing"][0]["sequence"] == world.cycles[1]
    assert document["differing"][0]["differs_in"][0] == "placements"


def test_a_changed_byte_that_breaks_a_message_names_its_sequence(tmp_path):
    world = two_colours()
    path = world.keep(tmp_path / "past.jsonl")
    lines = path.read_text().splitlines()
    lines[6] = lines[6].replace("tasks", "tusks", 1).replace('\\"id\\"', '\\"ix\\"', 1)
    path.write_text("\n".join(lines))
    done = run("--log", path)
    assert done.exit_code == 1
    assert "sequence 7" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_decision_of_another_core_is_told_apart_and_compared_all_the_same(tmp_path):
    world = two_colours()
    for place, entry in enumerate(world.entries):
        if hasattr(entry.fact, "core_version"):
            old = replace(entry.fact, core_version="0")
            world.entries[place] = replace(entry, fact=old)
    done = run("--log", world.keep(tmp_path / "past.jsonl"))
    assert done.exit_code == 0
    assert f"decided by version 0 of the core, this is version {CORE_VERSION}" in done.stderr


def test_a_snapshot_older_than_the_base_is_read_back_or_missed_loudly():
    world = World()
    world.measure()
    snapshot = world.state.sequence
    for _ in range(4):
        world.submit("red/q", 50)
    world.pass_time(500)
    whole = world.past_from(world.cycles[1] - 1)
    assert not whole.missing_snapshots()  # its base remembers it
    assert not replay_log(whole, OURS).differences
    past = world.past_from(world.cycles[1] - 1, is_forgetful=True)
    assert past.missing_snapshots() == [snapshot]
    with pytest.raises(UnreadableMessage, match=f"usage snapshot at {snapshot}"):
        replay_log(past, OURS)
    past.older = [message_of(world.entries[snapshot - 1], "main")]
    assert not past.missing_snapshots()
    assert not replay_log(past, OURS).differences


def test_a_kept_past_with_a_base_reads_back_whole(tmp_path):
    world = busy(3)
    past = world.past_from(world.cycles[4] - 1, is_forgetful=True)
    wanted = past.missing_snapshots()
    past.older = [line for line in world.past().lines if line[0] in wanted]
    for name in ("past.jsonl", "past.jsonl.gz"):
        write_log_file(past, tmp_path / name)
        again = read_log_file(tmp_path / name, None, None)
        assert again == past or (again.lines, again.older, again.base) == (
            past.lines, past.older, past.base,
        )  # fmt: skip
        assert not replay_log(again, OURS).differences


def test_only_the_cycles_of_the_span_are_counted(tmp_path):
    world = two_colours()
    path = world.keep(tmp_path / "past.jsonl")
    first, last = world.cycles[2], world.cycles[4]
    done = run("--log", path, "--from", str(first), "--to", str(last))
    assert done.stdout == "3 cycles decided again, no difference\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            ("--from", "9", "--to", "3"), "--from: 9 must not be above --to 3", id="turned"
        ),
        pytest.param(("--from", "999999"), "--from: 999999 must be between 1 and", id="behind"),
        pytest.param(("--to", "999999"), "--to: 999999 must be between 1 and", id="too far"),
        pytest.param(("--html", "x.html"), "--policy", id="a page of nothing"),
        pytest.param(("--url", "http://127.0.0.1:1"), "--log and --url", id="two sources"),
    ],
)
def test_a_span_that_makes_no_sense_is_refused(tmp_path, words, told):
    done = run("--log", two_colours().keep(tmp_path / "past.jsonl"), *words)
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "cannot be read", id="not there"),
        pytest.param(b"", "holds no fact", id="empty"),
        pytest.param(b"hello\n", "line 1 is no JSON", id="no log"),
        pytest.param(b'{"format": 9}\n', "is of format 9", id="of the future"),
        pytest.param(b'[1, "evenflow.v1.main.clock.set"]\n', "line 1 must be", id="short line"),
        pytest.param(b"\x1f\x8b\x08broken", "cannot be read", id="broken gzip"),
        pytest.param(b"\xff\xfe", "cannot be read", id="no text"),
    ],
)
def test_a_file_that_is_no_kept_log_is_refused_in_words(tmp_path, content, told):
    path = tmp_path / "past.jsonl"
    if content is not None:
        path.write_bytes(content)
    done = run("--log", path)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
