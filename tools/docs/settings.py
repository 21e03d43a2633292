"""docs/settings.md: every setting, from `runtime/settings/sections`."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evenflow.common.domain.durations import format_duration
from evenflow.common.runtime.settings import Settings
from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.sources import ENVIRONMENT_ALIASES, KEY_ALIASES, PREFIX
from tools.docs.comments import comments_of

_ROW: Final = re.compile(r"^[A-Z]+-\d+( [A-Z_]+)?: ")
"""What a comment says about where a setting comes from, which is not for its users."""
_INTRODUCTION = """\
<!-- Drawn by `make docs` from runtime/settings/sections: edit that. -->
# Settings

One file for all services, `evenflow.yaml`, named by `--config` or by `EVENFLOW_CONFIG`; a section a
topic, keys as below (`maxStaleness` is read as `max_staleness`):

```yaml
scheduler:
  policy: priority
usage:
  half_life: 2d
```

The environment wins over `.env` in the working directory, which wins over the file, which wins
over the defaults. A variable is the key in capitals with `__` for the dot. Durations are numbers
of seconds or such as `500ms`, `90s`, `1h30m`, `2w`; sizes are bytes or such as `10Gi`. Keys that do
not exist and values that break a rule stop the service at its start, all named at once; with
`--check-config` a service does only that.

`scheduler` (all but its `interval`), `backfill`, `preemption` and `fairness` can be changed while
the policy engine runs: it reads the file again when that changes and on SIGHUP. What cannot be used
is refused as a whole, told in its health, and the old values stay; other keys need a restart, and
changes of them are named in a warning.
"""


def page() -> str:
    """Return the page."""
    return "\n".join((_INTRODUCTION, *_lines())) + "\n"


def _lines() -> Iterator[str]:
    yield "## General"
    yield ""
    yield from _table(Settings, "")
    for name, info in Settings.model_fields.items():
        if section := _section(info):
            yield f"## `{name}`"
            yield ""
            yield (section.__doc__ or "").partition("\n")[0]
            yield ""
            yield from _table(section, f"{name}.")
    yield "## Older names"
    yield ""
    yield "| Name | Read as |"
    yield "|---|---|"
    for name, key in (*ENVIRONMENT_ALIASES.items(), *KEY_ALIASES.items()):
        yield f"| `{name}` | `{key}` |"


def _table(model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield "| Key | Default | Variable | Meaning |"
    yield "|---|---|---|---|"
    for key, info, meaning in _values(model, prefix):
        variable = PREFIX + key.replace(".", "__").upper()
        yield f"| `{key}` | {_shown(info)} | `{variable}` | {meaning} |"
    yield ""


def _values(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo, str]]:
    comments: dict[str, str] = {}
    for each in reversed(model.__mro__):  # what a section inherits is told where it was written
        if each is not model and issubclass(each, Section) and each is not Section:
            comments |= comments_of(each)
    comments |= comments_of(model)
    for name, info in model.model_fields.items():
        section = _section(info)
        if section is None:
            yield prefix + name, info, _meaning(model, name, comments)
        elif prefix:
            yield from _values(section, f"{prefix}{name}.")


def _meaning(model: type[BaseModel], name: str, comments: dict[str, str]) -> str:
    if name not in comments:
        raise SystemExit(f"{model.__name__}.{name} has no comment above it that says what it means")
    return _ROW.sub("", comments[name])


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _shown(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    match value:
        case None | () | {}:
            return "none"
        case timedelta():
            return f"`{format_duration(value // timedelta(microseconds=1))}`"
        case bool():
            return f"`{str(value).lower()}`"
        case int() if value >= 2**20 and value % 2**20 == 0:
            return f"`{value // 2**30}Gi`" if value % 2**30 == 0 else f"`{value // 2**20}Mi`"
        case tuple():
            return f"`[{', '.join(map(str, value))}]`"
        case Path() | str() | int() | float():
            return f"`{value}`"
        case _:
            raise TypeError(f"do not know how to show {value!r}")
