"""`evenflow demo`: a whole system, a fleet of three queues, seventy real commands through it."""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from evenflow.cli.demo.plan import CAPACITY, ENDLESS, FAILING, FLAKY, GANG, QUEUES, Planned, plan
from evenflow.cli.demo.report import document, show_shares, show_starts, unexpected
from evenflow.cli.demo.system import DemoSystem, running_demo
from evenflow.cli.demo.watch import Watch
from evenflow.cli.display.console import out, say, show, show_json
from evenflow.cli.display.words import lasting
from evenflow.cli.inputs.options import JsonOption
from evenflow.client import ApiProblem, AsyncClient
from evenflow.client.discovery.find import find_system
from evenflow.client.fleet import read_fleet
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.domain.jobs.job import Job

EXAMPLE: Final = "evenflow demo"

_FLEET: Final = Path(__file__).parents[2] / "demo" / "fleet.yaml"
_PATIENCE_SECONDS: Final = 180.0
_INTERRUPTED: Final = 130


class WrongEnd(EvenflowError):
    """Something of the demo did not end as it should have."""


def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the directory with data, logs and output.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run real work on this machine through a small fleet and show what happened."""
    with ExitStack() as stack:
        if keep:
            directory = Path(tempfile.mkdtemp(prefix="evenflow-demo-"))
        else:
            made = tempfile.TemporaryDirectory(prefix="evenflow-demo-", ignore_cleanup_errors=True)
            directory = Path(stack.enter_context(made))
        try:
            problems = _run(directory, as_json=as_json)
        except KeyboardInterrupt:
            say("interrupted; everything is stopped", "yellow")
            raise typer.Exit(_INTERRUPTED) from None
        if keep:
            say(f"data, logs and output are kept in {directory}")
    if problems:
        raise WrongEnd("\n".join((f"{len(problems)} things went wrong:", *problems)))


def _run(directory: Path, *, as_json: bool) -> list[str]:
    say(f"Starting Evenflow in {directory}; no root, no Docker, nothing to install ...")
    with running_demo(directory, dict(CAPACITY)) as started:
        _say_started(started)
        problems, result = asyncio.run(_work(started, directory, as_json=as_json))
    if started.exit_code:
        problems.append(f"`evenflow up` ended with exit code {started.exit_code}")
    say(f"Stopped in {lasting(started.stop_seconds)}.")
    result |= {
        "ready_seconds": started.ready_seconds,
        "stop_seconds": started.stop_seconds,
        "is_good": not problems,
        "problems": problems,
    }
    if as_json:
        show_json(result)
    else:
        _say_where_next()
    return problems


def _say_started(started: DemoSystem) -> None:
    say(f"Ready at {started.system.url} after {lasting(started.ready_seconds)}")


async def _work(
    started: DemoSystem, directory: Path, *, as_json: bool
) -> tuple[list[str], dict[str, Any]]:
    workplace = directory / "work"
    workplace.mkdir()
    address = find_system(started.system.url, environ={})
    async with AsyncClient(address=address) as client:
        services = (await client.status())["services"]
        say("Five services: " + ", ".join(f"{n} (pid {s['pid']})" for n, s in services.items()))
        fleet = read_fleet(_FLEET.read_text(encoding="utf-8"), _FLEET.name)
        await client.apply(fleet.queues)
        weights = {queue["path"]: float(queue["weight"]) for queue in fleet.queues}
        say("Fleet: " + ", ".join(f"{name} {weight:g}" for name, weight in weights.items()))
        jobs = plan(workplace)
        answers = await client.submit_batch([job.request for job in jobs])
        refused = [str(each["error"].get("detail")) for each in answers if "error" in each]
        if refused:
            return refused, {}
        users = len({job.request["user_id"] for job in jobs})
        say(
            f"{len(jobs)} commands of {users} users submitted; jobs get {CAPACITY['cpu']} of this "
            "machine, room for 12 at once"
        )
        watch = Watch(QUEUES, len(jobs))
        await watch.follow(client, _PATIENCE_SECONDS)
        problems = unexpected(jobs, watch.recorder)
        told = await _outputs(client, watch)
        if "task 2 of 3 met the others" not in told.get(GANG, ""):
            problems.append(f"{GANG}: its three tasks did not meet")
    result = document(watch.recorder, weights, problems)
    if not as_json:
        _show(watch, weights, jobs, told)
    return problems, result


async def _outputs(client: AsyncClient, watch: Watch) -> dict[str, str]:
    """Return what some of the jobs wrote."""
    wanted = [(GANG, "stdout"), (FAILING, "stderr"), (FLAKY, "stdout")]
    for verb in ("primes", "gzip", "bz2", "sort"):
        names = (start.spec.name for start in watch.recorder.starts)
        wanted += [(name, "stdout") for name in islice(filter(re.compile(verb).match, names), 1)]
    told: dict[str, str] = {}
    for name, stream in wanted:
        if job := watch.recorder.ended.get(name):
            texts = []
            for task in range(job.spec.tasks):
                try:
                    pieces = client.logs(job.spec.id, stream=stream, task=task)
                    texts += [piece.text.strip() async for piece in pieces]
                except ApiProblem as problem:
                    texts.append(f"(no output: {problem})")
            told[name] = "; ".join(" / ".join(text.splitlines()) for text in texts)
    return told


def _show(
    watch: Watch, weights: dict[str, float], jobs: Sequence[Planned], told: dict[str, str]
) -> None:
    out().print()
    show_starts(watch.recorder)
    out().print()
    show_shares(watch.recorder, weights)
    out().print()
    show("Those that were to be special", "bold")
    for name in (GANG, FAILING, ENDLESS, FLAKY):
        if job := watch.recorder.ended.get(name):
            show(f"  {name}: {_how(job)}" + (f"; it wrote: {told[name]}" if name in told else ""))
    out().print()
    show("What some of the others wrote", "bold")
    for name, text in told.items():
        if name not in {GANG, FAILING, FLAKY}:
            show(f"  {name}: {text}")
    good = sum(
        (job := watch.recorder.ended.get(each.request["name"])) is not None
        and job.state.value == each.status
        for each in jobs
    )
    out().print()
    show(
        f"{good} of {len(jobs)} jobs ended as they should", "green" if good == len(jobs) else "red"
    )


def _how(job: Job) -> str:
    code = "" if job.exit_code is None else f", exit code {job.exit_code}"
    attempts = f" at attempt {job.attempt}" if job.attempt > 1 else ""
    message = f" ({job.message})" if job.message else ""
    return f"{job.state.value}{attempts}{code}{message}"


def _say_where_next() -> None:
    say(
        "Next: `evenflow up` in one terminal; in another `evenflow submit -- COMMAND`, "
        "`evenflow jobs --watch`, `evenflow why ID`,\n"
        f"      `evenflow apply -f FILE` (this fleet: {_FLEET}), and the page at the URL that "
        "`up` prints."
    )
