"""Where the tasks of a job may go, as clients ask for it."""

from typing import NotRequired, TypedDict


class Toleration(TypedDict):
    """A taint that a job bears; without a value: whatever the taint's value is."""

    key: str
    value: NotRequired[str | None]


class AntiAffinity(TypedDict, total=False):
    """Tasks that share no domain of a level: the job's own, or those of all jobs with this key."""

    level: str
    key: str | None


class Constraints(TypedDict, total=False):
    """Where tasks may go. Levels are labels of nodes, such as `rack`, or `node`.

    `selector` maps a label to a value, to several of which one will do, or to None: any value.
    """

    selector: dict[str, str | list[str] | None]
    tolerations: list[Toleration | str]
    anti_affinity: AntiAffinity | None
    required_level: str | None
    preferred_level: str | None
    strategy: str | None
    clusters: list[str]
