"""`evenflow submit`: one command line becomes one job, or one of each index of an array."""

import getpass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from evenflow.cli.display.console import say, show, show_json, warn
from evenflow.cli.following import exit_code_of, follow
from evenflow.cli.options import JsonOption, UrlOption, connect
from evenflow.client.errors import ApiProblem
from evenflow.client.models import Job, JobRequest
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.durations import parse_duration_us
from evenflow.common.domain.errors import EvenflowError, InvalidValue

_LONGEST_NAME = 60


def submit(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND...", help="What to run.")
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="Else the program's name.")] = None,
    queue: Annotated[str | None, typer.Option(help="Path or id; else the project's best.")] = None,
    project: Annotated[str | None, typer.Option(help="Else that of the queue.")] = None,
    user: Annotated[str | None, typer.Option(help="For whom; else your login name.")] = None,
    cpu: Annotated[str | None, typer.Option(help="Cores of each task: 2, 0.5 or 500m.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory of each task: 512Mi, 4Gi.")] = None,
    gpu: Annotated[str | None, typer.Option(help="Cards of each task: 1, or 0.5 of one.")] = None,
    tasks: Annotated[int, typer.Option(help="Start this many at once, or none (gang).")] = 1,
    priority: Annotated[int, typer.Option(help="0 to 100, higher first.")] = 0,
    time_limit: Annotated[
        str | None, typer.Option(help="Stop it after this long: 90s, 1h30m.")
    ] = None,
    estimate: Annotated[
        str | None, typer.Option(help="How long it may run; for planning only.")
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
    request: JobRequest = {
        "name": name or _name(words, simulate_seconds),
        "job_type": job_type,
        "user_id": user or getpass.getuser(),
        "tasks": tasks,
        "priority": priority,
        "retry_limit": retries,
        "description": description,
        "tags": list(tag or ()),
    }
    optional: dict[str, Any] = {
        "queue_id": queue,
        "project_id": project,
        "cpu_request": cpu,
        "memory_request": memory,
        "gpu_request": gpu,
        "array": array,
        "executor": executor,
        "time_limit_seconds": _seconds(time_limit, "--time-limit"),
        "estimated_duration_seconds": _seconds(estimate, "--estimate"),
    }
    request.update({key: value for key, value in optional.items() if value is not None})  # type: ignore[typeddict-item]
    _say_what_runs(request, words, env or [], cwd, simulate_seconds)
    with connect(url) as client:
        try:
            job = client.submit(request, idempotency_key=uuid4().hex)
        except ApiProblem as problem:
            raise _with_advice(problem, simulate_seconds) from problem
        _tell(job, as_json=as_json and not (wait or follow_output))
        if wait or follow_output:
            ended = follow(client, job, with_output=follow_output, quiet=as_json)
            if as_json:
                show_json(ended if array else ended[0])
            raise typer.Exit(exit_code_of(ended))


def _say_what_runs(
    request: JobRequest,
    words: list[str],
    env: list[str],
    cwd: Path | None,
    simulate_seconds: float | None,
) -> None:
    if simulate_seconds is not None:
        if words:
            raise InvalidValue("--simulate-seconds", simulate_seconds, "runs no command; drop one")
        request.setdefault("executor", "simulated")
        request["executor_config"] = {"run_seconds": simulate_seconds}
        return
    if not words:
        raise InvalidValue("COMMAND", "", "is missing: evenflow submit [OPTIONS] -- COMMAND...")
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


def _tell(job: Job, *, as_json: bool) -> None:
    for warning in job.get("warnings", ()):
        warn(warning)
    if as_json:
        show_json(job)
    elif job["array_id"]:
        show(f"{job['array_id']}  array {job['name']} in {job['queue']}")
    else:
        show(f"{job['id']}  {job['name']} in {job['queue']}")


def _with_advice(problem: ApiProblem, simulate_seconds: float | None) -> EvenflowError:
    fields = {rule.field for rule in problem.errors}
    if "executor_config.command" in fields and simulate_seconds is None:
        say("This cluster is simulated: give --simulate-seconds instead of a command.", "dim")
    return problem
