"""What every value of a fact must stay within, so that every reader can hold it.

Numbers are finite, and whole ones fit into 64 bits. The bounds are put into the validator of a kind
of fact, so that one pass reads and judges.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator

LARGEST: Final = 2**63 - 1


def bounded(adapter: TypeAdapter[Any]) -> SchemaValidator:
    """Return the adapter's validator, with every whole number held to 64 bits."""
    schema: CoreSchema = _with_bounds(adapter.core_schema)
    return SchemaValidator(schema)


def is_finite(value: object) -> bool:
    """Whether all numbers in a JSON value of any shape are finite."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_finite, value))
    return True


def _with_bounds(node: Any) -> Any:
    """Copy a schema; what is not a schema inside it (classes, functions, defaults) stays itself."""
    if isinstance(node, list):
        return [_with_bounds(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "int":
        return {"ge": -LARGEST, "le": LARGEST, **node}
    return {
        key: each if key in ("default", "metadata", "serialization") else _with_bounds(each)
        for key, each in node.items()
    }
