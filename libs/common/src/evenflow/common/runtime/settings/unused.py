"""Variables of the environment that look meant for us and are not read: told with the nearest name.

They are no errors: the environment belongs to others too.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from evenflow.common.runtime.settings.sources import PREFIX, known_keys

# Of an older product with the same jobs: what stands for each of its families here.
_OLD: Final = {
    "K8S_": "there is no Kubernetes here; `cluster` and `executor.<kind>` say where jobs run",
    "EXECUTOR_SLURM_": "there is no Slurm here; `cluster` and `executor.<kind>` say where jobs run",
    "SLURM_": "they are of Slurm, and nothing here asks it",
}
_OURS: Final = frozenset(
    {
        *("EVENFLOW_CONFIG", "EVENFLOW_URL", "EVENFLOW_TOKEN", "EVENFLOW_TOKEN_FILE"),
        *("EVENFLOW_CA_FILE", "EVENFLOW_CHILDREN_FILE", "EVENFLOW_STATUS_FILE"),
        *("EVENFLOW_LEASH_FD", "EVENFLOW_FAILPOINTS", "EVENFLOW_STORES", "EVENFLOW_RUN"),
        # Of jobs: a service may be started by one.
        *("EVENFLOW_JOB_ID", "EVENFLOW_ATTEMPT", "EVENFLOW_TASK_INDEX", "EVENFLOW_TASK_COUNT"),
        *("EVENFLOW_TASK_GROUP", "EVENFLOW_ARRAY_INDEX"),
    }
)


def unused_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a line for each variable, or family of them, that is set and not read."""
    told = []
    left = set(environ)
    for prefix, instead in _OLD.items():
        found = sorted(name for name in left if name.startswith(prefix))
        left.difference_update(found)
        if found:
            told.append(f"{_some(found)} not read: {instead}")
    variables = {_variable(key) for key in known_keys()}
    for name in sorted(left):
        # Those with `__` that are unknown are errors; see `sources.read_environment`.
        if name.startswith(PREFIX) and "__" not in name and name not in _OURS | variables:
            close = get_close_matches(name, _by_spelling(variables), n=1, cutoff=0.7)
            meant = f"; {_by_spelling(variables)[close[0]]} is" if close else ""
            told.append(f"{name} is not read{meant}")
    return told


def _variable(key: str) -> str:
    return PREFIX + key.replace(".", "__").upper()


def _by_spelling(variables: Iterable[str]) -> dict[str, str]:
    """Return names by how they may be mistyped: with one underscore for two."""
    spelled = {name.replace("__", "_"): name for name in sorted(variables)}
    return spelled | {name: name for name in _OURS}


def _some(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is"
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more are" if len(names) > 3 else f"{shown} are"  # noqa: PLR2004
