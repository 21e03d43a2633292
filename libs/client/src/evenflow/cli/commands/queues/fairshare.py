"""`evenflow fairshare`: who would get how much, from a file alone; no system needs to run."""

from collections.abc import Callable, Sequence
from math import fsum
from typing import Annotated, Any, Final, Protocol, TypeGuard

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show, show_json, warn
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING
from evenflow.cli.inputs.options import JsonOption
from evenflow.cli.inputs.yaml_file import read_document
from evenflow.common.runtime.registry import Registry

EXAMPLE: Final = "evenflow fairshare -f case.yaml --k 1.0"

_BAR: Final = 24
_COLUMNS: Final = (
    Column("QUEUE", can_shrink=True),
    Column("FAIR SHARE", align="right"),
    Column("", rank=1),
    Column("DESERVED", rank=3, align="right"),
    Column("LIMIT", rank=6, align="right"),
    Column("REQUEST", rank=2, align="right"),
    Column("PRIO", rank=7, align="right"),
    Column("WEIGHT", rank=4, align="right"),
    Column("USAGE", rank=5, align="right"),
)
_UNLIMITED: Final = -1


class _Core(Protocol):
    """The part of the policy engine that is used here, found by its entry point."""

    name: str
    divide: Callable[..., Any]


def fairshare(
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="The case; - for stdin.")
    ],
    *,
    mode: Annotated[
        str, typer.Option("--mode", metavar="corrected|kai", help="How each level is divided.")
    ] = "corrected",
    k: Annotated[
        float | None,
        typer.Option("--k", help="How hard usage counts; else k_value of the file, else 1."),
    ] = None,
    whole_units: Annotated[
        bool, typer.Option("--round", help="Whole units only; `kai` always does so.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Divide what a file says as the scheduler would."""
    cores = Registry[_Core]("cores", _is_core, {})
    document = read_document(file)
    case = cores.get("fairshare").divide(document, mode=mode, k=k, whole_units=whole_units)
    if as_json:
        show_json({"fair_share": case.shares, "remaining": case.remaining})
        return
    for index, resource in enumerate(case.total):
        if index:
            out().print()
        _show(case, resource)


def _is_core(part: object) -> TypeGuard[_Core]:
    return callable(getattr(part, "divide", None)) and hasattr(part, "name")


def _show(case: Any, resource: str) -> None:
    total = case.total[resource]
    show(
        Text.assemble(
            (resource, "bold"),
            f": {_number(total)} in total, {_number(case.remaining[resource])} left over",
        )
    )
    tops = fsum(case.shares[each.name][resource] for each in case.queues if each.parent is None)
    if tops > total * (1 + 1e-9):
        warn(f"what queues deserve of {resource} is more than there is: {_number(tops)}")
    rows = [_row(case, resource, queue, depth) for queue, depth in _by_tree(case.queues)]
    print_table(_COLUMNS, rows)


def _by_tree(queues: Sequence[Any]) -> list[tuple[Any, int]]:
    """Queues with their depth, children below their parent, otherwise as the file has them."""
    children: dict[str | None, list[Any]] = {}
    for queue in queues:
        children.setdefault(queue.parent, []).append(queue)
    ordered: list[tuple[Any, int]] = []
    waiting = [(queue, 0) for queue in reversed(children.get(None, []))]
    while waiting:
        queue, depth = waiting.pop()
        ordered.append((queue, depth))
        waiting.extend((child, depth + 1) for child in reversed(children.get(queue.name, [])))
    return ordered


def _row(case: Any, resource: str, queue: Any, depth: int) -> list[Cell]:
    share = case.shares[queue.name][resource]
    wish = queue.wishes.get(resource)
    name = Text("  " * depth + queue.name)
    if wish is None:
        said = [NOTHING] * 3 + [str(queue.priority or "")] + [NOTHING] * 2
        return [name, _number(share), _bar(share, 0.0, case.total[resource]), *said]
    deserved = case.total[resource] if wish.deserved == _UNLIMITED else wish.deserved
    return [
        name,
        _number(share),
        _bar(share, deserved, case.total[resource]),
        _limit(wish.deserved),
        _limit(wish.limit),
        NOTHING if wish.request is None else _number(wish.request),
        str(queue.priority or ""),
        _number(wish.weight),
        _number(wish.usage),
    ]


def _bar(share: float, deserved: float, total: float) -> Text:
    """The share as a part of the total; what is deserved is solid, what is above it is not."""
    if total <= 0.0:
        return Text(" " * _BAR)
    whole = min(_BAR, round(_BAR * share / total))
    solid = min(whole, round(_BAR * min(share, deserved) / total))
    return Text.assemble(
        ("█" * solid, "green"), ("▒" * (whole - solid), "cyan"), ("·" * (_BAR - whole), "dim")
    )


def _limit(amount: float) -> str:
    return "no limit" if amount == _UNLIMITED else _number(amount)


def _number(amount: float) -> str:
    """An amount with up to three decimals, none that say nothing."""
    text = f"{amount:,.3f}".rstrip("0").rstrip(".")
    return text if text != "0" or not amount else f"{amount:.1g}"
