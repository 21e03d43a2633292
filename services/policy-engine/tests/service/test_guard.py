"""Nothing in a cycle calls outside; what tries is counted, kept from it, and isolated."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, Ranking
from evenflow.common.testing.builders import a_queue, a_spec
from evenflow.policy_engine.core.ordering.plugin_policies import PolicyFailed, checked_key
from evenflow.policy_engine.core.ordering.policies import BUILT_IN
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.policy_engine.guard import ExternalCall, guarded
from tests.fleets.asked import Asked

JOB = Job(a_spec(), 1, 1)


def nobody(event: str) -> None:
    pass


def listening() -> socket.socket:
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    return server


CALLS = [
    pytest.param(socket.socket, "socket.__new__", id="socket"),
    pytest.param(lambda: socket.getaddrinfo("localhost", 80), "socket.getaddrinfo", id="name"),
    pytest.param(lambda: subprocess.run(["true"], check=False), "subprocess.Popen", id="process"),
    pytest.param(lambda: Path(__file__).read_text(), "open", id="file"),
    pytest.param(lambda: os.scandir("."), "os.scandir", id="folder"),
    pytest.param(lambda: sqlite3.connect("made.db"), "sqlite3.connect", id="database"),
    pytest.param(
        lambda: threading.Thread(target=print).start(),
        "_thread",
        id="thread",
        marks=pytest.mark.skipif(sys.version_info < (3, 13), reason="Python does not tell"),
    ),
]


@pytest.mark.parametrize(("call", "event"), CALLS)
def test_a_call_outside_is_counted_and_refused(call, event):
    seen: list[str] = []
    with guarded(seen.append), pytest.raises(ExternalCall, match="not allowed in a cycle"):
        call()
    assert len(seen) == 1
    assert seen[0].startswith(event)


def test_a_file_is_not_even_made(tmp_path):
    with guarded(nobody), pytest.raises(ExternalCall):
        (tmp_path / "made").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_a_connection_does_not_reach_its_server():
    with listening() as server, socket.socket() as ready:
        with guarded(nobody), pytest.raises(ExternalCall):
            ready.connect(server.getsockname())
        with pytest.raises(TimeoutError):
            server.accept()


def test_outside_of_it_and_in_other_threads_everything_goes_on(tmp_path):
    done = threading.Event()
    go = threading.Event()

    def other() -> None:
        go.wait(5)
        (tmp_path / "other").write_text("x")
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with guarded(nobody):
        go.set()
        assert done.wait(5)
    thread.join()
    assert Path(__file__).read_text()


def test_it_ends_with_its_block_however_that_ends():
    with pytest.raises(ZeroDivisionError), guarded(nobody):
        raise ZeroDivisionError
    assert Path(__file__).exists()
    assert Path(__file__).read_text()


def test_who_is_told_may_call_outside(tmp_path):
    told = tmp_path / "told"
    with guarded(lambda event: told.write_text(event) and None), pytest.raises(ExternalCall):
        os.scandir(".")
    assert told.read_text() == "os.scandir"


def calling(policy_does) -> Policy:
    def rank(job: Job) -> tuple[int, ...]:
        policy_does()
        return (0,)

    return Policy("calls", rank)


def test_a_policy_that_opens_a_socket_is_counted_and_isolated():
    seen: list[str] = []
    with guarded(seen.append), pytest.raises(PolicyFailed, match="ExternalCall"):
        checked_key(calling(socket.socket), JOB, Ranking(SchedulerSettings(), 0))
    assert seen == ["socket.__new__"]


def test_a_policy_that_hides_its_failure_is_counted_all_the_same():
    def hiding() -> None:
        with suppress(Exception):
            socket.socket()

    seen: list[str] = []
    with guarded(seen.append):
        checked_key(calling(hiding), JOB, Ranking(SchedulerSettings(), 0))
    assert "socket.__new__" in seen


IMPORTS_LATE = """
import sys
sys.path.insert(0, sys.argv[1])
from evenflow.policy_engine.guard import ExternalCall, guarded
seen = []
with guarded(seen.append):
    import colorsys, quiet_module            # read from files, its bytecode is written
    try:
        import loud_module
    except ExternalCall as error:
        print(error.event)
print(quiet_module.ANSWER, seen)
"""


def test_a_late_import_is_let_through_and_what_a_module_does_in_it_is_not(tmp_path):
    (tmp_path / "quiet_module.py").write_text("ANSWER = 42")
    (tmp_path / "loud_module.py").write_text("open('somewhere', 'w')")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_LATE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == ["open", "42 ['open']"], done.stderr
    assert not (tmp_path / "somewhere").exists()


@pytest.mark.parametrize(("does", "calls"), [(lambda: None, 0), (socket.socket, 1)])
def test_a_whole_cycle_calls_nobody_unless_a_plug_in_does_and_that_is_counted(does, calls):
    shard = Asked(
        a_queue("a/q", policy="calls"),
        cpu=2000,
        plugins=Plugins({**BUILT_IN, "calls": calling(does)}),
    )
    for _ in range(3):
        shard.submit()
    shard.used({"a/q": 0.5}, {"ann": 0.5})
    seen: list[str] = []
    with guarded(seen.append):
        shard.turn()
    assert len(seen) == calls
