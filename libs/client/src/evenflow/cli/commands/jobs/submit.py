"""`evenflow submit`: one command line becomes one job, or one of each index of an array."""

from pathlib import Path
from typing import Annotated, Any, Final, cast
from uuid import uuid4

import typer

from evenflow.cli.display.console import say, show, show_json, warn
from evenflow.cli.display.problems import Misuse
from evenflow.cli.display.words import count
from evenflow.cli.following import exit_code_of, follow
from evenflow.cli.inputs import placement
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.cli.inputs.times import point_in_time
from evenflow.client import Client
from evenflow.client.errors import ApiProblem
from evenflow.client.models.jobs import Job, JobArray, JobRequest
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.durations import parse_duration_us
from evenflow.common.domain.errors import InvalidValue

EXAMPLE: Final = "evenflow submit --queue vision --cpu 2 --memory 4Gi --wait -- python train.py"

_LONGEST_NAME = 60
_OPTIONS = {
    "cpu_request": "--cpu",
    "memory_request": "--memory",
    "gpu_request": "--gpu",
    "min_tasks": "--min-tasks",
}
_INTERRUPTED = 130


def submit(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND...", help="What to run.")
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="Else the program's name.")] = None,
    queue: Annotated[str | None, typer.Option(help="Path or id; else the project's best.")] = None,
    project: Annotated[str | None, typer.Option(help="Else that of the queue.")] = None,
    user: Annotated[str | None, typer.Option(help="For whom, as an operator; else you.")] = None,
    cpu: Annotated[str | None, typer.Option(help="Cores of each task: 2, 0.5 or 500m.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory of each task: 512Mi, 4Gi.")] = None,
    gpu: Annotated[str | None, typer.Option(help="Cards of each task: 1, or 0.5 of one.")] = None,
    tasks: Annotated[
        int | None, typer.Option(help="Start this many at once, or none (gang); else 1.")
    ] = None,
    priority: Annotated[int, typer.Option(help="0 to 100, higher first.")] = 0,
    time_limit: Annotated[
        str | None, typer.Option(help="Stop it after this long: 90s, 1h30m.")
    ] = None,
    estimate: Annotated[
        str | None, typer.Option(help="How long it may run; for planning only.")
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(metavar="TIME", help="Finished by: 4h, 2026-12-01T08:00 (UTC).")
    ] = None,
    retries: Annotated[int, typer.Option(help="More attempts after a failed one.")] = 0,
    env: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Environment; may be repeated.")
    ] = None,
    cwd: Annotated[
        Path | None, typer.Option(help="Directory it runs in; else the one you are in.")
    ] = None,
    array: Annotated[
        str | None, typer.Option(metavar="0-9", help="One job for each index.")
    ] = None,
    executor: Annotated[str | None, typer.Option(help="Else that of the cluster.")] = None,
    job_type: Annotated[str, typer.Option("--type", help="training, inference, workflow.")] = (
        "training"
    ),
    description: Annotated[str, typer.Option(help="A note for people.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A label; may be repeated.")] = None,
    simulate_seconds: Annotated[
        float | None, typer.Option(help="Only pass time; for simulated clusters.")
    ] = None,
    min_tasks: placement.MinTasks = None,
    group: placement.Group = None,
    selector: placement.Selector = None,
    tolerate: placement.Tolerate = None,
    apart: placement.Apart = None,
    apart_key: placement.ApartKey = None,
    same: placement.Same = None,
    near: placement.Near = None,
    strategy: placement.Strategy = None,
    on: placement.On = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Until it ended; exit with its exit code.")
    ] = False,
    follow_output: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait, and show its output.")
    ] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit a command as a job."""
    words = list(command or ())
    where = placement.PlacementOptions(
        selector=selector or (),
        tolerate=tolerate or (),
        apart=apart,
        apart_key=apart_key,
        same=same,
        near=near,
        strategy=strategy,
        on=on or (),
    )
    request: JobRequest = {
        "name": name or _name(words, simulate_seconds),
        "job_type": job_type,
        "priority": priority,
        "retry_limit": retries,
        "description": description,
        "tags": list(tag or ()),
    }
    optional: dict[str, Any] = {
        "user_id": user,
        "queue_id": queue,
        "project_id": project,
        "cpu_request": cpu,
        "memory_request": memory,
        "gpu_request": gpu,
        "tasks": tasks,
        "min_tasks": min_tasks,
        "constraints": where.constraints(),
        "array": array,
        "executor": executor,
        "time_limit_seconds": _seconds(time_limit, "--time-limit"),
        "estimated_duration_seconds": _seconds(estimate, "--estimate"),
        "deadline": None if deadline is None else point_in_time(deadline, "--deadline"),
    }
    request.update({key: value for key, value in optional.items() if value is not None})  # type: ignore[typeddict-item]
    if group:
        own = ("cpu_request", "memory_request", "gpu_request", "tasks", "min_tasks")
        given = [_OPTIONS.get(key, f"--{key}") for key in own if key in request]
        placement.add_groups(request, group, given)
    _say_what_runs(request, words, env or [], cwd, simulate_seconds)
    with connect(url) as client:
        try:
            answer = _send(client, request)
        except ApiProblem as problem:
            raise _with_advice(problem, simulate_seconds) from problem
        is_waiting = wait or follow_output
        _tell(answer, request["name"], as_json=as_json, is_waiting=is_waiting)
        if is_waiting:
            ended = _follow(client, _ids(answer), with_output=follow_output, quiet=as_json)
            if as_json:
                show_json(ended if array else ended[0])
            raise typer.Exit(exit_code_of(ended))


def _follow(client: Client, ids: list[str], *, with_output: bool, quiet: bool) -> list[Job]:
    try:
        return follow(client, ids, with_output=with_output, quiet=quiet)
    except KeyboardInterrupt:
        say(f"\nit goes on without us; `evenflow cancel {' '.join(ids[:3])}` ends it", "yellow")
        raise typer.Exit(_INTERRUPTED) from None


def _send(client: Client, request: JobRequest) -> Job | JobArray:
    # With a key, a submission whose answer was lost is repeated and found again.
    key = uuid4().hex
    if "array" in request:
        return client.submit_array(request, idempotency_key=key)
    return client.submit(request, idempotency_key=key)


def _say_what_runs(
    request: JobRequest,
    words: list[str],
    env: list[str],
    cwd: Path | None,
    simulate_seconds: float | None,
) -> None:
    if simulate_seconds is not None:
        if words:
            raise Misuse("--simulate-seconds only passes time: give it, or a command, not both")
        request.setdefault("executor", "simulated")
        request["executor_config"] = {"run_seconds": simulate_seconds}
        return
    if not words:
        raise Misuse("say what to run: evenflow submit [OPTIONS] -- COMMAND...")
    request["executor_config"] = {
        "command": words,
        "env": dict(_pair(text) for text in env),
        "working_directory": str((cwd or Path.cwd()).absolute()),
    }


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidValue("--env", text, "must be KEY=VALUE")
    return key, value


def _seconds(text: str | None, option: str) -> float | None:
    return None if text is None else parse_duration_us(text, option) / SECOND


def _name(words: list[str], simulate_seconds: float | None) -> str:
    if simulate_seconds is not None:
        return "simulated"
    return Path(words[0]).name[:_LONGEST_NAME] if words and Path(words[0]).name else "job"


def _tell(answer: Job | JobArray, name: str, *, as_json: bool, is_waiting: bool) -> None:
    for warning in answer.get("warnings", ()):
        warn(warning)
    if as_json:
        if not is_waiting:
            show_json(answer)
        return
    ids = _ids(answer)
    if queue := cast("Job", answer).get("queue"):
        line = f"{ids[0]}  {name} in {queue}"
    else:
        line = f"{answer['array_id']}  {name}: an array of {count(len(ids), 'job')}"
    # While we wait, stdout is the command's own.
    say(line) if is_waiting else show(line)


def _ids(answer: Job | JobArray) -> list[str]:
    elements = cast("JobArray", answer).get("jobs")
    if elements is not None:
        return [each["id"] for each in elements]
    return [cast("Job", answer)["id"]]


def _with_advice(problem: ApiProblem, simulate_seconds: float | None) -> ApiProblem:
    fields = {rule.field for rule in problem.errors}
    if "executor_config.command" not in fields or simulate_seconds is not None:
        return problem
    advice = "This cluster is simulated: give --simulate-seconds instead of a command."
    return ApiProblem(problem.status, problem.code, f"{problem.detail}\n{advice}")
