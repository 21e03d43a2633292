"""`evenflow why`: the reason of a job's state, in words and numbers."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from evenflow.cli.display.console import out, show_json, status_text
from evenflow.cli.display.words import percent
from evenflow.cli.following import SHORT_ID
from evenflow.cli.options import JobArgument, JsonOption, UrlOption, connect


def why(job_id: JobArgument, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Say why a job is where it is."""
    with connect(url) as client:
        answer = client.why(job_id)
    if as_json:
        show_json(answer)
        return
    out().print(_headline(answer), soft_wrap=True)
    for line in _numbers(answer):
        out().print(f"  {line}", soft_wrap=True)


def _headline(answer: dict[str, Any]) -> Text:
    return Text.assemble(status_text(answer["status"]), ": ", answer["text"])


def _numbers(answer: dict[str, Any]) -> Iterator[str]:
    if answer["position"] is not None:
        yield f"place {answer['position']} in {answer['queue']}"
    for each in answer["first"]:
        yield f"before it: {each['id'][:SHORT_ID]} {each['name']} of {each['user_id']}" + (
            f", priority {each['priority']}" if each["priority"] else ""
        )
    if answer["ahead"] > len(answer["first"]):
        yield f"and {answer['ahead'] - len(answer['first'])} more"
    for share in answer["shares"]:
        yield (
            f"{share['queue']} holds {percent(share['held_ratio'])} of the cluster; "
            f"by weight {percent(share['weight_ratio'])}"
        )
