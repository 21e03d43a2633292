"""`evenflow targets`: where the services show their metrics, as Prometheus reads it from a file."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from evenflow.cli.display.console import out
from evenflow.cli.inputs.options import UrlOption, connect
from evenflow.client.errors import Unreachable

EXAMPLE: Final = "evenflow targets --file evenflow-targets.json --watch"

_EVERY_SECONDS: Final = 5.0


def targets(
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Write there, all at once; else print.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write again whenever it changes, until Ctrl-C.")
    ] = False,
    url: UrlOption = None,
) -> None:
    """List where services show their metrics, for `file_sd_configs` of Prometheus.

    Services that are started again may listen on another port: let it `--watch`.
    """
    told = ""
    while True:
        with suppress(*((Unreachable,) if watch else ())), connect(url) as client:
            found = json.dumps(_targets(client.status()), indent=2) + "\n"
            if found != told:
                _tell(found, file)
                told = found
        if not watch:
            return
        time.sleep(_EVERY_SECONDS)


def _targets(status: Any) -> list[dict[str, Any]]:
    return [
        {
            "targets": [urlsplit(service["url"]).netloc],
            "labels": {"service": name, "shard": status["shard"]},
        }
        for name, service in status["services"].items()
        if service["url"]
    ]


def _tell(text: str, file: Path | None) -> None:
    if file is None:
        out().print(text.rstrip(), soft_wrap=True)
        return
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)  # noqa: PTH105 - all at once: Prometheus may read at any time
