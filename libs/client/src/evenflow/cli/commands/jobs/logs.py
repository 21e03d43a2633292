"""`evenflow logs`: what a task wrote, at once or as it comes."""

import sys
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import show_json
from evenflow.cli.inputs.options import JobArgument, JsonOption, UrlOption, connect

EXAMPLE: Final = "evenflow logs 019ab3c4-d5e6 --follow"


def logs(
    job_id: JobArgument,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the task has ended.")
    ] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Its errors instead.")] = False,
    task: Annotated[int, typer.Option(min=0, help="Which task of a gang.")] = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a job wrote to its output."""
    stream = "stderr" if stderr else "stdout"
    with connect(url) as client:
        pieces = client.logs(job_id, stream=stream, task=task, follow=follow)
        if as_json:
            text = "".join(piece.text for piece in pieces)
            show_json({"job_id": job_id, "stream": stream, "task": task, "text": text})
            return
        try:
            for piece in pieces:
                sys.stdout.buffer.write(piece.data)
                sys.stdout.buffer.flush()
        except KeyboardInterrupt:
            raise typer.Exit(0) from None
