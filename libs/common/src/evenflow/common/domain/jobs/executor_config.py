"""What a job says to the executors that come with Evenflow, checked before it is accepted."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.errors import InvalidValue

SHELL: Final = ("/bin/sh", "-c")
DEFAULT_RUN_SECONDS: Final = 1.0
_LONGEST_RUN_SECONDS: Final = 10 * 365 * 86_400
# Linux refuses longer single strings, and a command with all its surroundings above a quarter of
# the stack.
_LONGEST_STRING: Final = 131_071  # bytes
_LARGEST_COMMAND: Final = 1_000_000  # bytes, environment included
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """A command of this machine; `working_directory` None means the home of its user."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    working_directory: str | None = None


@dataclass(frozen=True, slots=True)
class SimulatedConfig:
    """A run that only passes time, on the shard's clock."""

    run_us: int
    exit_code: int = 0


def local_config(config: Mapping[str, object]) -> LocalConfig:
    """Read `{command, env, working_directory}`; a command that is one text goes to the shell.

    Raises:
        InvalidValue: a value is missing, unknown or cannot be run.
    """
    _refuse_unknown(config, {"command", "env", "working_directory"})
    argv = _argv(config.get("command"))
    env = _env(config.get("env"))
    size = sum(len(text.encode()) for text in (*argv, *env, *env.values()))
    if size > _LARGEST_COMMAND:
        where = "executor_config.command"
        raise InvalidValue(where, f"{size} bytes", f"is over {_LARGEST_COMMAND} bytes with its env")
    return LocalConfig(argv, env, _directory(config.get("working_directory")))


def simulated_config(config: Mapping[str, object]) -> SimulatedConfig:
    """Read `{run_seconds, exit_code}`; absent: one second, 0.

    Raises:
        InvalidValue: a value is unknown or out of its range.
    """
    _refuse_unknown(config, {"run_seconds", "exit_code"})
    seconds = config.get("run_seconds", DEFAULT_RUN_SECONDS)
    rule = "must be a number of seconds from 0 to ten years"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidValue("executor_config.run_seconds", seconds, rule)
    if not math.isfinite(seconds) or not 0 <= seconds <= _LONGEST_RUN_SECONDS:
        raise InvalidValue("executor_config.run_seconds", seconds, rule)
    code = config.get("exit_code", 0)
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 255:  # noqa: PLR2004
        raise InvalidValue(
            "executor_config.exit_code", code, "must be a whole number from 0 to 255"
        )
    return SimulatedConfig(round(seconds * 1_000_000), code)


def _refuse_unknown(config: Mapping[str, object], known: set[str]) -> None:
    for name in config:
        if name not in known:
            field_name = f"executor_config.{name}"
            raise InvalidValue(
                field_name, name, f"is unknown; known are {', '.join(sorted(known))}"
            )


def _argv(command: object) -> tuple[str, ...]:
    where = "executor_config.command"
    if isinstance(command, str):
        _check_text(where, command)
        if not command.strip():
            raise InvalidValue(where, command, "must not be empty")
        return (*SHELL, command)
    if not isinstance(command, list | tuple) or not command:
        rule = (
            "must be a program with its arguments, as [python, train.py], or one text for the shell"
        )
        raise InvalidValue(where, command, rule)
    argv = tuple(_check_text(f"{where}[{i}]", part) for i, part in enumerate(command))
    if not argv[0]:
        raise InvalidValue(f"{where}[0]", "", "must name a program")
    return argv


def _env(env: object) -> dict[str, str]:
    where = "executor_config.env"
    if env is None:
        return {}
    if not isinstance(env, Mapping):
        raise InvalidValue(where, env, "must map names to texts")
    result = {}
    for name, value in env.items():
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            rule = "must be letters, digits and _, and not start with a digit"
            raise InvalidValue(where, name, rule)
        result[name] = _check_text(f"{where}.{name}", value)
    return result


def _directory(path: object) -> str | None:
    where = "executor_config.working_directory"
    if path is None:
        return None
    if not _check_text(where, path).startswith("/"):
        raise InvalidValue(where, path, "must be an absolute path")
    return str(path)


def _check_text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(where, value, "must be a text")
    if "\0" in value:
        raise InvalidValue(where, value[:50], "must not contain a zero byte")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise InvalidValue(where, value[:50], "must be valid UTF-8") from error
    if size > _LONGEST_STRING:
        raise InvalidValue(where, f"{size} bytes", f"is over {_LONGEST_STRING} bytes")
    return value
