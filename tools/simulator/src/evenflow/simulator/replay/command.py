"""`evenflow replay`: the recorded past decided again, or decided by other rules."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from evenflow.cli.display.console import err, say, show, show_json, warn
from evenflow.cli.display.problems import Misuse
from evenflow.cli.display.words import count
from evenflow.cli.inputs.options import JsonOption, UrlOption
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.runtime.settings import load
from evenflow.policy_engine.config import plugins_of
from evenflow.policy_engine.core.cycle import CORE_VERSION
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.simulator.replay.recording.live_log import read_live_log
from evenflow.simulator.replay.recording.log_file import read_log_file, write_log_file
from evenflow.simulator.replay.recording.recorded_log import RecordedLog
from evenflow.simulator.replay.replay_log import ReplayResult, replay_log
from evenflow.simulator.replay.report.terminal import replay_document, show_difference

EXAMPLE: Final = "evenflow replay --from 1000 --to 5000 --policy new.yaml --html what-if.html"

OnStep = Callable[[str, int, int], None]


def replay(
    *,
    begin: Annotated[
        int | None, typer.Option("--from", min=1, metavar="SEQ", help="First sequence; else all.")
    ] = None,
    end: Annotated[
        int | None, typer.Option("--to", min=1, metavar="SEQ", help="Last one; else the newest.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other rules: what would they have done?")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the what-if as one page.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A kept log, in place of a running system.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep what was read, for --log.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide the recorded past again, each cycle with what it saw; or by other rules."""
    if html is not None and policy is None:
        raise Misuse("--html shows what other rules would have done: name them with --policy FILE")
    if log is not None and url is not None:
        raise Misuse("--log and --url are two sources; name one")
    plugins = plugins_of(load())
    past = read_log_file(log, begin, end) if log is not None else _read_running(url, begin, end)
    if save is not None:
        write_log_file(past, save)
        say(f"{count(len(past.lines), 'fact')} kept in {save}")
    if policy is None:
        raise typer.Exit(_verify(past, plugins, as_json=as_json))
    _ask_what_if(past, policy, plugins, html, as_json=as_json)


def _verify(past: RecordedLog, plugins: Plugins, *, as_json: bool) -> int:
    """Decide again and compare; returns the exit code."""
    with _bar("deciding again", past.end - past.base_sequence) as move:
        found = replay_log(
            past, plugins, on_cycle=lambda sequence: move(sequence - past.base_sequence), most=1
        )
    _warn_of_versions(found)
    if as_json:
        show_json(replay_document(past, found))
    elif not found.differences:
        show(f"{count(found.cycles, 'cycle')} decided again, no difference", "green")
    else:
        show_difference(found.differences[0], found.cycles)
    return 1 if found.differences else 0


def _ask_what_if(
    past: RecordedLog, policy: Path, plugins: Plugins, html: Path | None, *, as_json: bool
) -> None:
    """Decide by other rules and report."""
    # The simulator is only needed here.
    from evenflow.simulator.replay.report.what_if_terminal import (  # noqa: PLC0415
        show_what_if,
        what_if_document,
    )
    from evenflow.simulator.replay.rules.policy_file import read_rules  # noqa: PLC0415
    from evenflow.simulator.replay.what_if.what_if import what_if  # noqa: PLC0415

    rules = read_rules(policy, plugins.policies)
    if html is not None and not html.absolute().parent.is_dir():
        raise InvalidValue("--html", str(html), "is in no directory that exists")
    with _bars() as on_step:
        found = what_if(past, rules, policy, plugins, on_step)
    _warn_of_versions(found.decisions)
    if html is not None:
        from evenflow.simulator.replay.report.what_if_page import write_what_if  # noqa: PLC0415 - plots are slow

        write_what_if(found, html)
        say(f"the report is in {html}")
    if as_json:
        show_json(what_if_document(found))
    else:
        show_what_if(found)


def _warn_of_versions(found: ReplayResult) -> None:
    for version, cycles in sorted(found.versions.items()):
        warn(
            f"{count(cycles, 'cycle')} of this past decided by version {version} of the core, "
            f"this is version {CORE_VERSION}: it may decide the same facts otherwise."
        )


def _read_running(url: str | None, begin: int | None, end: int | None) -> RecordedLog:
    with _bar("reading the log", None) as move:
        return asyncio.run(read_live_log(url, begin, end, move))


@contextmanager
def _bar(words: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Show one bar on a terminal; yields what moves it: what is done, and of how much."""
    with _bars() as on_step:
        yield lambda done, whole=total: on_step(words, done, whole)


@contextmanager
def _bars() -> Iterator[OnStep]:
    """Show a bar for each step on a terminal, nothing elsewhere."""
    if not err().is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err(), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def on_step(words: str, done: int, total: int) -> None:
            if words not in tasks:
                tasks[words] = bars.add_task(words, total=total)
            bars.update(tasks[words], completed=done, total=total)

        yield on_step
