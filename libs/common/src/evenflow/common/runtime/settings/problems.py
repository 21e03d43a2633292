"""Everything wrong with a configuration, told at once: key, value, rule."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

from evenflow.common.domain.errors import EvenflowError, InvalidValue
from evenflow.common.runtime.registry import PluginError
from evenflow.common.runtime.settings.sections.settings import SECRET_FIELDS

_PASSWORD_IN_URL: Final = re.compile(r"://[^/@\s]*@")
_LONGEST_SHOWN: Final = 80  # characters: enough to recognise what one typed


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule; `source` is the variable or file that said so, empty for a default."""

    key: str
    value: str
    rule: str
    source: str = ""

    def __str__(self) -> str:
        """One line for people."""
        told = f" = {self.value}" if self.value else ""
        return f"{self.key}{told}: {self.rule}" + (f" ({self.source})" if self.source else "")


class InvalidSettings(EvenflowError):
    """The configuration cannot be used; nothing was started."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems, in the order they were found."""
        count = f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
        super().__init__("\n".join((f"invalid configuration, {count}:", *map(str, problems))))
        self.problems = tuple(problems)


@contextmanager
def reporting(key: str, value: Any) -> Iterator[None]:
    """Report what is wrong with a chosen part as a problem of the setting that chose it.

    Raises:
        InvalidSettings: in place of PluginError, or of InvalidValue, whose own field is named.
    """
    try:
        yield
    except PluginError as error:
        raise InvalidSettings([Problem(key, shown(key, value), str(error))]) from error
    except InvalidValue as error:
        place = error.field or key
        raise InvalidSettings([Problem(place, shown(place, error.value), error.rule)]) from error


def shown(key: str, value: Any) -> str:
    """Return a value as an error may show it: short, and never a secret."""
    if value is None or isinstance(value, dict):
        return ""
    if key.rpartition(".")[2] in SECRET_FIELDS or key.endswith("database_url"):
        return "********"
    text = _PASSWORD_IN_URL.sub("://********@", repr(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def unknown_key(key: str, known: Iterable[str], source: str) -> Problem:
    """Refuse a key that no setting has, naming what was probably meant."""
    parent, _, name = key.rpartition(".")
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    prefix = f"{parent}." if parent else ""
    hint = f"did you mean {' or '.join(prefix + match for match in near)}?" if near else ""
    rule = "is not a setting" + (f"; {hint}" if hint else "")
    return Problem(key=key, value="", rule=rule, source=source)


def from_pydantic(error: ValidationError, sources: dict[str, str]) -> list[Problem]:
    """Translate pydantic's findings; `sources` tells where the value of a dotted key came from."""
    problems = []
    for finding in error.errors(include_url=False):
        key = ".".join(str(part) for part in finding["loc"]) or "settings"
        rule = finding["msg"].removeprefix("Value error, ")
        rule = rule[:1].lower() + rule[1:] if rule.startswith(("Input ", "String ")) else rule
        source = sources.get(key, "")
        problems.append(Problem(key, shown(key, finding.get("input")), rule, source))
    return problems
