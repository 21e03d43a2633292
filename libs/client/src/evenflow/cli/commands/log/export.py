"""`evenflow log export`: the facts of the log as JSON lines, gone on with where a file ends."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from evenflow.cli.display.console import say
from evenflow.cli.display.words import count
from evenflow.cli.inputs.options import UrlOption, connect
from evenflow.client import Client
from evenflow.common.domain.errors import InvalidValue

_PATIENCE_SECONDS: Final = 60.0
_TAIL: Final = 16 * 2**20  # more than a fact may have


def export(
    *,
    begin: Annotated[
        int | None, typer.Option("--from", min=1, metavar="SEQ", help="First; else the log's.")
    ] = None,
    to: Annotated[
        int | None, typer.Option("--to", min=1, metavar="SEQ", help="Last; else what is last now.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="A file; if it holds facts already, what follows them is added."),
    ] = None,
    url: UrlOption = None,
) -> None:
    """Write facts as JSON lines: `{"sequence", "kind", ...the message}`, to a file or stdout."""
    with connect(url) as client:
        status = client.log_status()
        last = min(to or status["last_sequence"], status["last_sequence"])
        first = begin or status["first_sequence"]
        if output is None:
            _write(client, first, last, typer.get_text_stream("stdout"))
            return
        resumed = _resume(output)
        if resumed is not None:
            first = resumed + 1
        with output.open("a", encoding="utf-8") as file:
            written = _write(client, first, last, file)
    say(f"{count(written, 'fact')} written to {output}, up to sequence {last}")


def _write(client: Client, first: int, last: int, file: IO[str]) -> int:
    written = 0
    if first > last:
        return written
    for line in _lines(client, first, last):
        file.write(line)
        written += 1
    file.flush()
    return written


def _lines(client: Client, first: int, last: int) -> Iterator[str]:
    for event in client.events(begin=first, patience_seconds=_PATIENCE_SECONDS):
        fact = {"sequence": event.sequence, "kind": event.kind, **event.message}
        yield json.dumps(fact, ensure_ascii=False, separators=(",", ":")) + "\n"
        if event.sequence >= last:
            return


def _resume(path: Path) -> int | None:
    """Return the last sequence of a file, cutting off a line that was not finished; None: empty.

    Raises:
        InvalidValue: it is no export.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    with path.open("rb+") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - _TAIL)
        file.seek(begin)
        tail = file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        file.truncate(begin + len(whole))
    if not whole:
        return None
    try:
        return int(json.loads(whole.splitlines()[-1])["sequence"])
    except (ValueError, KeyError, TypeError) as error:
        rule = "does not end like an export of the log: choose another file"
        raise InvalidValue("--output", str(path), rule) from error
