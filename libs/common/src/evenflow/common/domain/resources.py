"""Vectors of named integer amounts and their arithmetic. No floats: amounts are exact."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from evenflow.common.domain.errors import InvalidValue

Resources = Mapping[str, int]
"""Name to amount: cpu, gpu in thousandths, memory in bytes, network in bit/s. Absent is 0."""

MILLI: Final = 1000
_THOUSANDTHS: Final = frozenset({"cpu", "gpu"})
_SUFFIX: Final = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip
_QUANTITY: Final = re.compile(r"(\d{1,18})(?:\.(\d{1,9}))?(m|[kKMGTP]i?|)")
_LARGEST: Final = 2**62  # one amount; far above any machine, far below what JSON readers lose


def units_per_base(name: str) -> int:
    """Return how many units make one base unit: 1000 for cpu (cores) and gpu (cards), else 1."""
    return MILLI if name in _THOUSANDTHS else 1


def plus(a: Resources, b: Resources) -> dict[str, int]:
    """Return the sum, entry by entry."""
    total = dict(a)
    for name, amount in b.items():
        total[name] = total.get(name, 0) + amount
    return total


def minus(a: Resources, b: Resources) -> dict[str, int]:
    """Return `a - b`; entries may be negative, zero entries are dropped."""
    rest = dict(a)
    for name, amount in b.items():
        rest[name] = rest.get(name, 0) - amount
    return {name: amount for name, amount in rest.items() if amount}


def times(a: Resources, count: int) -> dict[str, int]:
    """Return `a` taken `count` times."""
    return {name: amount * count for name, amount in a.items()}


def total(vectors: Iterable[Resources]) -> dict[str, int]:
    """Return the sum of all vectors."""
    result: dict[str, int] = {}
    for vector in vectors:
        for name, amount in vector.items():
            result[name] = result.get(name, 0) + amount
    return result


def shortage(request: Resources, available: Resources) -> str | None:
    """Return the first resource, by name, that `request` wants too much of; None when it fits."""
    short = [name for name, amount in request.items() if amount > available.get(name, 0)]
    return min(short) if short else None


def fits(request: Resources, available: Resources) -> bool:
    """Whether every entry of `request` is covered."""
    return all(amount <= available.get(name, 0) for name, amount in request.items())


def dominant_share(amounts: Resources, capacity: Resources) -> float:
    """Return the largest ratio of an amount to its capacity, without those of no known capacity."""
    shares = [
        amount / capacity[name] for name, amount in amounts.items() if capacity.get(name, 0) > 0
    ]
    return max(shares, default=0.0)


def parse_amount(name: str, value: object, *, field: str = "") -> int:
    """Read one amount in the units of `name`.

    Accepts Kubernetes quantities as text (`500m`, `4Gi`, `1.5`) and plain numbers; `cpu` and
    `gpu` are counted in units (cores, cards) and returned in thousandths, all others in base units.

    Raises:
        InvalidValue: not a quantity, negative, finer than the unit, or absurdly large.
    """
    where = field or name
    text = str(value).strip()
    match = None if isinstance(value, bool) else _QUANTITY.fullmatch(text)
    if match is None:
        raise InvalidValue(
            where, value, "must be a quantity of at least 0, such as 2, 0.5, 500m or 4Gi"
        )
    whole, fraction, suffix = match.group(1), match.group(2) or "", match.group(3)
    scale: int = 10 ** len(fraction)
    numerator = int(whole + fraction) * (MILLI if name in _THOUSANDTHS else 1)
    if suffix == "m":
        scale *= MILLI
    elif suffix in _SUFFIX:
        numerator *= _SUFFIX[suffix]
    else:
        raise InvalidValue(
            where, value, f"has an unknown suffix {suffix!r}; use m, k, M, G, T, Ki, Mi, Gi or Ti"
        )
    amount, remainder = divmod(numerator, scale)  # exact: nothing here is a float
    if remainder and name in _THOUSANDTHS:
        raise InvalidValue(where, value, "is finer than one thousandth")
    if amount > _LARGEST:
        raise InvalidValue(where, value, "is larger than any machine")
    return amount


def parse_resources(value: object, *, field: str) -> dict[str, int]:
    """Read a mapping of resource names to quantities; zero entries are dropped.

    Raises:
        InvalidValue: not a mapping, a bad name, or a bad amount.
    """
    if not isinstance(value, Mapping):
        raise InvalidValue(
            field, value, "must map resource names to quantities, such as {cpu: 500m, memory: 4Gi}"
        )
    result: dict[str, int] = {}
    for name, amount in value.items():
        if not isinstance(name, str) or not re.fullmatch(
            r"[a-z0-9]([a-z0-9./-]{0,61}[a-z0-9])?", name
        ):
            raise InvalidValue(f"{field}.{name}", name, "is not a resource name")
        if parsed := parse_amount(name, amount, field=f"{field}.{name}"):
            result[name] = parsed
    return result


def format_amount(name: str, amount: int) -> str:
    """Return `amount` as people write it: cores and cards as numbers, memory in binary units."""
    if name in _THOUSANDTHS:
        return f"{amount / MILLI:g}"
    if name == "memory":
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            if amount and amount % _SUFFIX[unit] == 0:
                return f"{amount // _SUFFIX[unit]}{unit}"
        if amount >= _SUFFIX["Mi"]:
            return f"{amount / _SUFFIX['Gi']:.1f}Gi"
    return str(amount)
