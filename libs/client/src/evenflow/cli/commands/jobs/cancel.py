"""`evenflow cancel`: some jobs by id, or all that match, after a question."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from evenflow.cli.display.console import err, show, show_json
from evenflow.cli.display.problems import FAILED, Misuse, lines_of
from evenflow.cli.display.words import count
from evenflow.cli.following import SHORT_ID
from evenflow.cli.inputs.options import JsonOption, UrlOption, YesOption, connect
from evenflow.client import ApiProblem, Client
from evenflow.client.models.jobs import Job
from evenflow.common.domain.errors import RequestRejected

EXAMPLE: Final = "evenflow cancel --queue vision --all-pending"

_WAITING = ["pending", "queued"]


def cancel(
    job_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Ids, or beginnings of them.")
    ] = None,
    *,
    queue: Annotated[str | None, typer.Option(help="Jobs of this queue and below.")] = None,
    user: Annotated[str | None, typer.Option(help="Jobs of this user.")] = None,
    array: Annotated[str | None, typer.Option(help="Elements of this array.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Jobs of yours.")] = False,
    all_pending: Annotated[bool, typer.Option("--all-pending", help="All that wait.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All that wait or run.")] = False,
    yes: YesOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel jobs: those named, or with --all-pending or --all those that match."""
    filters: dict[str, Any] = {
        "queue_id": queue,
        "user_id": user,
        "array_id": array,
    }
    in_bulk = all_pending or everything or array is not None
    if job_ids and (in_bulk or mine or any(filters.values())):
        raise Misuse("name jobs or give filters, not both")
    if not job_ids and not in_bulk:
        raise Misuse("say which: ids, or --all-pending or --all, with filters if you like")
    with connect(url) as client:
        if job_ids:
            ids: Sequence[str] = job_ids
        else:
            if mine:
                filters["user_id"] = client.whoami()["user_id"]
            statuses = _WAITING if all_pending else [*_WAITING, "running"]
            found = list(client.all_jobs(status=statuses, **filters))
            if not found:
                show_json([]) if as_json else show("no jobs match")
                return
            if not yes:
                _ask(found)
            ids = [job["id"] for job in found]
        results = _cancel(client, ids)
    if as_json:
        show_json(results)
    else:
        _tell(results)
    if any("error" in result for result in results):
        raise typer.Exit(FAILED)


def _ask(found: Sequence[Job]) -> None:
    running = sum(job["status"] == "running" for job in found)
    what = count(len(found), "job") + (f", {running} of them running" if running else "")
    typer.confirm(f"Cancel {what}?", abort=True, err=True)


def _cancel(client: Client, ids: Sequence[str]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for job_id in ids:
        try:
            results.append({"job": client.cancel(job_id)})
        except (ApiProblem, RequestRejected) as error:
            lines = lines_of(error)
            results.append({"job_id": job_id, "error": "\n".join(lines)})
    return results


def _tell(results: Sequence[dict[str, Any]]) -> None:
    for result in results:
        if job := result.get("job"):
            how = "cancelled" if job["status"] == "cancelled" else "is being stopped"
            show(f"{job['id'][:SHORT_ID]}  {job['name']} {how}")
        else:
            err().print(f"{result['job_id'][:SHORT_ID]}  {result['error']}", soft_wrap=True)
