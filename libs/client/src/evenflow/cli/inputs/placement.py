"""Options that say where the tasks of a job may go, and which roles they have."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import typer

from evenflow.cli.display.problems import Misuse
from evenflow.client.models.constraints import Constraints
from evenflow.client.models.jobs import GroupRequest, JobRequest
from evenflow.common.domain.decisions.settings import STRATEGIES
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraints import NODE_LEVEL

_PANEL: Final = "Where and together"
_REQUESTS: Final = ("cpu", "memory", "gpu")
_GROUP_RULE: Final = "must be as worker=8,gpu=1 or worker=8:4,cpu=2,memory=4Gi,gpu=1"

MinTasks = Annotated[
    int | None,
    typer.Option(help="Start with this many, grow to --tasks later.", rich_help_panel=_PANEL),
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=TASKS[:MIN],cpu=..,gpu=..",
        help="Tasks of one role, instead of --tasks and requests; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
Selector = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL=VALUE",
        help="Only nodes with this label. LABEL alone: any value; repeated values: one of them.",
        rich_help_panel=_PANEL,
    ),
]
Tolerate = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY[=VALUE]", help="Bear this taint; may be repeated.", rich_help_panel=_PANEL
    ),
]
Apart = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL", help="No two tasks in one node, rack, ...", rich_help_panel=_PANEL
    ),
]
ApartKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY", help="Apart from all jobs with this key too.", rich_help_panel=_PANEL
    ),
]
Same = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL", help="All tasks in one node, rack, ... or none.", rich_help_panel=_PANEL
    ),
]
Near = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL", help="All in one node, rack, ... if it can be.", rich_help_panel=_PANEL
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(help=f"How to choose nodes: {', '.join(STRATEGIES)}.", rich_help_panel=_PANEL),
]
On = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLUSTER", help="Try this cluster first; may be repeated.", rich_help_panel=_PANEL
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementOptions:
    """What the options said."""

    selector: Sequence[str] = field(default=())
    tolerate: Sequence[str] = field(default=())
    apart: str | None = None
    apart_key: str | None = None
    same: str | None = None
    near: str | None = None
    strategy: str | None = None
    on: Sequence[str] = field(default=())

    def constraints(self) -> Constraints | None:
        """Return them as the gateway reads them; None when the job may go anywhere.

        Raises:
            InvalidValue: an option that cannot be read.
        """
        found: dict[str, Any] = {
            "selector": _selector(self.selector),
            "tolerations": [_toleration(text) for text in self.tolerate],
            "required_level": self.same,
            "preferred_level": self.near,
            "strategy": self.strategy,
            "clusters": list(self.on),
        }
        if self.apart is not None or self.apart_key is not None:
            anti = {"level": self.apart or NODE_LEVEL}
            found["anti_affinity"] = anti | ({"key": self.apart_key} if self.apart_key else {})
        if self.strategy is not None and self.strategy not in STRATEGIES:
            rule = f"must be one of {', '.join(STRATEGIES)}"
            raise InvalidValue("--strategy", self.strategy, rule)
        given: Constraints = {name: value for name, value in found.items() if value}  # type: ignore[assignment]
        return given or None


def _selector(texts: Sequence[str]) -> dict[str, list[str] | None]:
    found: dict[str, list[str] | None] = {}
    for text in texts:
        label, equals, value = text.partition("=")
        if not label:
            raise InvalidValue("--selector", text, "must be LABEL=VALUE, or LABEL for any value")
        values = found.setdefault(label, [] if equals else None)
        if (values is None) != (not equals):
            raise InvalidValue("--selector", text, "cannot be both any value and a certain one")
        if values is not None:
            values.append(value)
    return found


def _toleration(text: str) -> str:
    if not text.partition("=")[0]:
        raise InvalidValue("--tolerate", text, "must be KEY, or KEY=VALUE")
    return text


def add_groups(request: JobRequest, texts: Sequence[str], given: Sequence[str]) -> None:
    """Put groups into a request.

    Args:
        request: where to.
        texts: the groups as they were typed.
        given: options that say what groups say for themselves.

    Raises:
        Misuse: any of those was given too.
        InvalidValue: a group that cannot be read.
    """
    if given:
        raise Misuse(f"{', '.join(given)}: each --group says that for itself; leave it out")
    request["groups"] = [read_group(text) for text in texts]


def read_group(text: str) -> GroupRequest:
    """Read `NAME=TASKS[:MIN],cpu=..,memory=..,gpu=..`.

    Raises:
        InvalidValue: not of that form. The gateway judges names and quantities.
    """
    first, *amounts = (part.strip() for part in text.split(","))
    name, _, counts = first.partition("=")
    tasks, colon, least = counts.partition(":")
    if not name or not _is_count(tasks) or (colon and not _is_count(least)):
        raise InvalidValue("--group", text, _GROUP_RULE)
    group: GroupRequest = {"name": name, "tasks": int(tasks)}
    if colon:
        group["min_tasks"] = int(least)
    others: dict[str, float | str] = {}
    for part in amounts:
        resource, _, amount = part.partition("=")
        if not resource or not amount:
            raise InvalidValue("--group", text, _GROUP_RULE)
        if resource in _REQUESTS:
            group[f"{resource}_request"] = amount  # type: ignore[literal-required]
        else:
            others[resource] = amount
    if others:
        group["resources"] = others
    return group


def _is_count(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 10  # noqa: PLR2004 - no such gang
