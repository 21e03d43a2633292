"""libs/common/tests/schemas: the JSON schema of every kind of fact, frozen."""

import json
from typing import Any

from evenflow.common.contracts.codec import schema_of
from evenflow.common.contracts.subjects import KINDS

FOLDER = "libs/common/tests/schemas"


def files() -> dict[str, str]:
    """Return file name to content."""
    return {
        f"{kind}.json": json.dumps(_shape(schema_of(fact)), indent=2, sort_keys=True) + "\n"
        for kind, fact in KINDS.items()
    }


def _shape(schema: Any) -> Any:
    """Leave out the words: a docstring may change, the shape on the wire may not."""
    if isinstance(schema, list):
        return [_shape(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _shape(value)
        for key, value in schema.items()
        if not (key in {"title", "description"} and isinstance(value, str))
    }
