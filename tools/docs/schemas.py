"""libs/common/tests/schemas: the JSON schema of every kind of fact, frozen."""

import json

from evenflow.common.contracts.codec import schema_of
from evenflow.common.contracts.subjects import KINDS

FOLDER = "libs/common/tests/schemas"


def files() -> dict[str, str]:
    """Return file name to content."""
    return {
        f"{kind}.json": json.dumps(schema_of(fact), indent=2, sort_keys=True) + "\n"
        for kind, fact in KINDS.items()
    }
