"""Errors as one clear block on stderr: what, which one, what to do."""

import sys

from rich.text import Text

from evenflow.cli.display.console import err
from evenflow.client.errors import ApiProblem
from evenflow.common.domain.errors import EvenflowError, InvalidValue

FAILED = 1
USAGE = 2


class Misuse(EvenflowError):
    """The command line makes no sense as typed; the message says what is missing or too much."""


def lines_of(error: EvenflowError) -> list[str]:
    """Return the error in lines, the headline first."""
    if not isinstance(error, ApiProblem):
        return str(error).splitlines() or [type(error).__name__]
    rules = [
        f"{rule.field} = {rule.value!r}: {rule.rule}" if rule.field else rule.rule
        for rule in error.errors
    ]
    headline, *rest = error.detail.splitlines() or [error.code]
    if len(rules) > 1:
        headline, rest = f"{len(rules)} rules are broken; nothing was changed", []
    elif rules:
        rules = []  # the headline says it already
    return [headline, *rest, *rules, *_advice(error)]


def _advice(error: ApiProblem) -> list[str]:
    match error.status:
        case 401:
            return [error.advice] if error.advice else []
        case 410:
            return ["The log no longer begins there; leave out --from, or begin later."]
        case 503 if error.retry_after_seconds is not None:
            return ["Try again in a moment; `evenflow status` tells what is missing."]
        case 500:
            return [f"Please report this with the logs of the gateway (code {error.code})."]
    return []


def report(error: EvenflowError) -> int:
    """Print the error; returns the exit code: 2 for what was typed, 1 for what happened."""
    first, *rest = lines_of(error)
    sys.stdout.flush()
    block = Text.assemble(("error: ", "bold red"), first)
    for line in rest:
        block.append("\n  " + line.strip() if not line.startswith("  ") else "\n" + line)
    err().print(block, soft_wrap=True)
    return USAGE if isinstance(error, InvalidValue | Misuse) else FAILED
