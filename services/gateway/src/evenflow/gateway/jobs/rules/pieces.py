"""How many jobs one fact carries: cut by what they weigh, because the broker counts bytes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.spec import JobSpec

RECORDS_A_FACT: Final = 500
BYTES_A_FACT: Final = 4_000_000
"""Half of what the broker takes: what is counted here is written a little differently there."""
BYTES_A_REQUEST: Final = 64_000_000
"""What the jobs of one request may weigh together once its arrays are written out."""
_FIXED: Final = 500  # ids, instants, names of fields


def weight(spec: JobSpec) -> int:
    """Return about how many bytes a job takes in a fact; rather too many than too few."""
    texts = (spec.name, spec.user, spec.queue, spec.description, spec.tags, spec.executor_config)
    parts = (spec.resources, spec.groups, spec.constraints)
    return _FIXED + len(repr((texts, parts)).encode("utf-8", "replace"))


@dataclass(slots=True)
class Allowance:
    """What is left of `BYTES_A_REQUEST`; taken before anything is written out."""

    left: int = BYTES_A_REQUEST

    def take(self, spec: JobSpec, count: int) -> None:
        """Take room for `count` jobs like `spec`.

        Raises:
            InvalidValue: they weigh more than is left.
        """
        each = weight(spec)
        if each * count > self.left:
            rule = (
                f"would be {count} jobs of about {each} bytes; the jobs of one request may weigh "
                f"{BYTES_A_REQUEST} bytes together: ask for fewer, or keep what they share in a "
                "file that they read"
            )
            raise InvalidValue("array", f"{each * count} bytes", rule)
        self.left -= each * count


@dataclass(slots=True)
class _Weights:
    """Weights by array: its elements differ in nothing that weighs."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, spec: JobSpec) -> int:
        if spec.array_id is None:
            return weight(spec)
        if spec.array_id not in self.known:
            self.known[spec.array_id] = weight(spec)
        return self.known[spec.array_id]


def total_weight(specs: Iterable[JobSpec]) -> int:
    """Return about how many bytes jobs take together."""
    weights = _Weights()
    return sum(weights.of(spec) for spec in specs)


def pieces(specs: Sequence[JobSpec]) -> list[tuple[JobSpec, ...]]:
    """Cut jobs into what one fact each may carry; a job that is heavier stands alone."""
    weights = _Weights()
    cut: list[tuple[JobSpec, ...]] = []
    first, held = 0, 0
    for index, spec in enumerate(specs):
        more = weights.of(spec)
        if index > first and (index - first >= RECORDS_A_FACT or held + more > BYTES_A_FACT):
            cut.append(tuple(specs[first:index]))
            first, held = index, 0
        held += more
    if first < len(specs):
        cut.append(tuple(specs[first:]))
    return cut
