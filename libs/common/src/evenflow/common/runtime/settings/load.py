"""Gather the settings of a process from all sources and judge them together."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from evenflow.common.runtime.settings.problems import InvalidSettings, from_pydantic
from evenflow.common.runtime.settings.sections.settings import Settings
from evenflow.common.runtime.settings.sources import (
    Gathered,
    read_dotenv,
    read_environment,
    read_file,
)

CONFIG_VARIABLE: Final = "EVENFLOW_CONFIG"


def load(
    config: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Path | None = Path(".env"),
) -> Settings:
    """Return the settings: environment over `.env` over the file over the defaults.

    Args:
        config: the file; absent means what `EVENFLOW_CONFIG` names, and no file when it names none.
        environ: the environment; absent means this process's.
        dotenv: read when it exists; None reads none.

    Raises:
        InvalidSettings: with every problem of every source.
    """
    variables = dict(os.environ if environ is None else environ)
    file_variables = read_dotenv(dotenv) if dotenv else {}
    path = config or _named(variables, file_variables)
    gathered = Gathered()
    if path:
        read_file(path, gathered)
    read_environment(file_variables, gathered, f"{dotenv}: ")
    read_environment(variables, gathered, "")
    problems = list(gathered.problems)
    try:
        settings = Settings.model_validate(gathered.tree())
    except ValidationError as error:
        problems += from_pydantic(error, gathered.sources)
    if problems:
        raise InvalidSettings(problems)
    return settings


def config_file(config: Path | None = None, *, dotenv: Path | None = Path(".env")) -> Path | None:
    """Return the file that `load` reads in this process; None when it reads none."""
    return config or _named(os.environ, read_dotenv(dotenv) if dotenv else {})


def _named(variables: Mapping[str, str], file_variables: Mapping[str, str]) -> Path | None:
    named = variables.get(CONFIG_VARIABLE) or file_variables.get(CONFIG_VARIABLE)
    return Path(named) if named else None
