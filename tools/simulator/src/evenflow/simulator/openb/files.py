"""Reads the node and pod lists of the openb cluster: CSV, plain or gzipped."""

import csv
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.state.ledger import DEVICE

CLUSTER: Final = "openb"
MODEL_LABEL: Final = "gpu-model"
GZIP: Final = b"\x1f\x8b"
MIB: Final = 1 << 20
MOST: Final = 1 << 40  # of any amount in a file: nothing real is larger
T = TypeVar("T")


def read_nodes(path: Path) -> tuple[list[Node], int]:
    """Return the nodes, and how many rows could not be read."""
    nodes, skipped = _read(path, "nodes", ("sn", "cpu_milli", "memory_mib", "gpu"), _node_of)
    if not any(node.device_count for node in nodes):
        raise InvalidValue("nodes", str(path), "must list at least one node with a GPU")
    if len({node.name for node in nodes}) < len(nodes):
        raise InvalidValue("nodes", str(path), "must name every node once")
    return nodes, skipped


def read_pods(path: Path) -> tuple[list[JobSpec], int]:
    """Return the pods as jobs, and how many rows could not be read.

    Equal pods are one object: they differ in nothing that placement sees.
    """
    kinds: dict[str, JobSpec] = {}
    columns = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")
    pods, skipped = _read(path, "pods", columns, _pod_of)
    if not any(pod.resources.get("gpu") for pod in pods):
        raise InvalidValue("pods", str(path), "must list at least one pod that asks for a GPU")
    return [kinds.setdefault(f"{p.resources}{p.constraints}", p) for p in pods], skipped


def _node_of(row: dict[str, str]) -> Node:
    gpus = _amount(row["gpu"])
    model = (row.get("model") or "").strip()
    capacity = {"cpu": _amount(row["cpu_milli"]), "memory": _amount(row["memory_mib"]) * MIB}
    if gpus:
        capacity["gpu"] = DEVICE * gpus
    labels = {MODEL_LABEL: model} if model else {}
    return Node(_named(row["sn"]), CLUSTER, capacity, labels=labels)


def _pod_of(row: dict[str, str]) -> JobSpec:
    count = _amount(row["num_gpu"])
    gpu = DEVICE * count
    if count == 1:  # only one card can be shared
        gpu = _amount(row["gpu_milli"])
        if not 0 < gpu <= DEVICE:
            raise ValueError(row["gpu_milli"])
    models = sorted({each.strip() for each in (row.get("gpu_spec") or "").split("|")} - {""})
    # A pod without a GPU does not mind which ones a node has.
    constraints = (
        Constraints(selector={MODEL_LABEL: tuple(models)}) if models and count else ANYWHERE
    )
    resources = {"cpu": _amount(row["cpu_milli"]), "memory": _amount(row["memory_mib"]) * MIB}
    if gpu:
        resources["gpu"] = gpu
    name = _named(row["name"])
    return JobSpec(
        id=name, name=name, project="default", queue="default/default", user="", submitted_at=0,
        executor=CLUSTER, resources=resources, constraints=constraints,
    )  # fmt: skip


def _read(
    path: Path, field: str, columns: tuple[str, ...], make: Callable[[dict[str, str]], T]
) -> tuple[list[T], int]:
    made: list[T] = []
    skipped = 0
    try:
        rows = _rows(path)
        header = next(rows, [])
        missing = [name for name in columns if name not in header]
        if missing:
            rule = f"must be a CSV file with a header and the columns {', '.join(missing)}"
            raise InvalidValue(field, str(path), rule)
        for row in rows:
            try:
                made.append(make(dict(zip(header, row, strict=False))))
            except (ValueError, KeyError):
                skipped += 1
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidValue(field, str(path), f"cannot be read: {error}") from error
    return made, skipped


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP
    opened = gzip.open if is_gzip else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as text:
        yield from (row for row in csv.reader(text) if row)


def _amount(text: str) -> int:
    amount = int(text)
    if not 0 <= amount <= MOST:
        raise ValueError(text)
    return amount


def _named(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text
