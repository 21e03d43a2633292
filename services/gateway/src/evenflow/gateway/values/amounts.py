"""Amounts of resources as REST states them, read and shown: cores, cards, GiB, quantities. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.resources import MILLI, parse_amount, parse_resources

GIB: Final = 2**30
DEFAULT_RESOURCES: Final = {"cpu": 1000, "memory": 2 * GIB}  # JOB-03
GPU_RULE: Final = "must be a part of one card, such as 0.5, or whole cards, such as 2"


@dataclass(slots=True)
class TaskRequest:
    """What one task asks for, as a submission or one of its groups says it."""

    cpu: float | str | None
    memory: float | str | None
    gpu: float | str | None
    resources: dict[str, float | str] | None

    @property
    def is_given(self) -> bool:
        """Whether anything is asked for at all."""
        return any(each is not None for each in (self.cpu, self.memory, self.gpu, self.resources))


def read_task(
    request: TaskRequest, broken: list[RequestRejected], within: str = ""
) -> dict[str, int]:
    """Return what a task asks for, with the defaults of JOB-03; adds what is wrong to `broken`.

    Args:
        request: what was said.
        broken: gets every broken rule.
        within: where in the body it stands, such as `groups.0.`.
    """
    amounts = dict(DEFAULT_RESOURCES)
    found: list[RequestRejected] = []
    amounts |= _named(request.resources, found, f"{within}resources")
    where = {name: f"{within}resources.{name}" for name in amounts}
    for name, value in (("cpu", request.cpu), ("memory", request.memory), ("gpu", request.gpu)):
        if value is None:
            continue
        where[name] = f"{within}{name}_request"
        try:
            amounts[name] = read_request(name, value, where[name])
        except RequestRejected as error:
            found.append(error)
    gpu = amounts.get("gpu", 0)
    if gpu > MILLI and gpu % MILLI:
        found.append(InvalidValue(where["gpu"], gpu / MILLI, GPU_RULE))
    broken += found
    return {name: amount for name, amount in amounts.items() if amount}


def _named(
    resources: Mapping[str, float | str] | None, broken: list[RequestRejected], where: str
) -> dict[str, int]:
    if resources is None:
        return {}
    try:
        return dict.fromkeys(resources, 0) | parse_resources(resources, field=where)
    except RequestRejected as error:
        broken.append(error)
        return {}


def read_request(name: str, value: float | str, where: str) -> int:
    """Read an amount as REST states it: cores, cards, GiB for memory without a suffix.

    Raises:
        InvalidValue: not an amount.
    """
    text = str(value).strip()
    if name == "memory" and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text):
        return parse_amount(name, int(Decimal(text) * GIB), field=where)
    return parse_amount(name, text, field=where)


def shown_amount(name: str, amount: int) -> float:
    """Return an amount as REST states it: cores, cards, GiB."""
    if name in ("cpu", "gpu"):
        return amount / MILLI
    return amount / GIB if name == "memory" else amount
