"""Read settings from a YAML file, a `.env` file, the environment. Names keys, judges no values."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel

from evenflow.common.contracts.yaml_text import read_yaml
from evenflow.common.runtime.registry import installed_names
from evenflow.common.runtime.settings.problems import Problem, shown, unknown_key
from evenflow.common.runtime.settings.sections.settings import Settings

PREFIX: Final = "EVENFLOW_"
# Names that our sources fixed long before ours (CFG-02, CFG-03).
ENVIRONMENT_ALIASES: Final = {
    "SCHEDULING_POLICY": "scheduler.policy",
    "QUOTA_PROVIDER": "quota.provider",
}
KEY_ALIASES: Final = {"usage.decay_half_life": "usage.half_life"}
_OF_INSTALLED: Final = {"executor.": "clusters", "usage.backend.": "usage_backends"}
"""Where sections of installed parts stand, and of which family these are."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


@dataclass(slots=True)
class Gathered:
    """Values by dotted snake_case key, where each came from, and what could not be read."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, key: str, value: Any, source: str) -> None:
        """Set a value; later sources win."""
        self.values[key] = value
        self.sources[key] = source

    def tree(self) -> dict[str, Any]:
        """Return the values nested by section."""
        root: dict[str, Any] = {}
        for key, value in self.values.items():
            *sections, name = key.split(".")
            place = root
            for section in sections:
                place = place.setdefault(section, {})
            place[name] = value
        return root


def snake(name: str) -> str:
    """`decayHalfLife` and `decay_half_life` are the same key."""
    return _CAMEL.sub(r"_\1", name).lower()


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """All dotted keys that hold a value."""
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from known_keys(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


_KNOWN: Final = frozenset(known_keys())
_SECTIONS: Final = frozenset(
    ".".join(key.split(".")[:depth]) for key in _KNOWN for depth in range(1, key.count(".") + 1)
)


def _names_under(section: str) -> set[str]:
    prefix = f"{section}." if section else ""
    keys = (key for key in (*_KNOWN, *KEY_ALIASES) if key.startswith(prefix))
    return {key[len(prefix) :].split(".")[0] for key in keys}


def _add(gathered: Gathered, key: str, value: Any, source: str) -> None:
    key = KEY_ALIASES.get(key, key)
    if key in _KNOWN or _is_of_an_installed_kind(key):
        gathered.put(key, value, source)
    elif key in _SECTIONS:
        gathered.problems.append(
            Problem(key, shown(key, value), "is a section and takes keys, not a value", source)
        )
    else:
        section = key.rpartition(".")[0]
        while section and section not in _SECTIONS:
            key, section = section, section.rpartition(".")[0]
        gathered.problems.append(unknown_key(key, _names_under(section), source))


def _is_of_an_installed_kind(key: str) -> bool:
    """Whether the key is for a part that only its own distribution knows."""
    for section, family in _OF_INSTALLED.items():
        kind, dot, _ = key.removeprefix(section).partition(".")
        if key.startswith(section) and dot and kind in installed_names(family):
            return True
    return False


def _add_mapping(gathered: Gathered, mapping: Mapping[Any, Any], source: str, prefix: str) -> None:
    for name, value in mapping.items():
        key = prefix + snake(str(name))
        if key in _SECTIONS and value is None:
            continue  # a section heading with nothing under it
        if isinstance(value, Mapping) and key not in _KNOWN:
            if key in _SECTIONS or _is_of_an_installed_kind(f"{key}."):
                _add_mapping(gathered, value, source, f"{key}.")
            else:
                _add(gathered, key, value, source)
        else:
            _add(gathered, key, value, source)


def read_file(path: Path, gathered: Gathered) -> None:
    """Add the settings of a YAML file."""
    source = str(path)
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        gathered.problems.append(Problem("config", source, f"cannot be read: {error.strerror}"))
        return
    except (yaml.YAMLError, ValueError) as error:
        told = " ".join(str(error).split())
        gathered.problems.append(Problem("config", source, f"is not YAML: {told}"))
        return
    if document is None:
        return
    if not isinstance(document, Mapping):
        gathered.problems.append(Problem("config", source, "must be a mapping of sections"))
        return
    _add_mapping(gathered, document, source, "")


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file: `NAME=value` lines, `#` comments, optional quotes."""
    if not path.is_file():
        return {}
    variables = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            text = value.strip()
            is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
            variables[name.strip()] = text[1:-1] if is_quoted else text
    return variables


def read_environment(environ: Mapping[str, str], gathered: Gathered, where: str) -> None:
    """Add the settings of an environment: aliases first, then our own names, which win."""
    for name, key in ENVIRONMENT_ALIASES.items():
        if value := environ.get(name):
            gathered.put(key, value, where + name)
    top_level = {key for key in _KNOWN if "." not in key}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        # Without `__` it may be a variable of somebody else (a job's EVENFLOW_JOB_ID): only a
        # near miss of a top-level name is taken for a mistake.
        if "." in key or key in top_level or get_close_matches(key, top_level, cutoff=0.85):
            _add(gathered, key, _structured(environ[name]), where + name)


def _structured(text: str) -> Any:
    if text[:1] in "[{" and text:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text
