"""JSON that others wrote, read within bounds: whatever it is, it is a value or a ValueError.

The standard library raises RecursionError where a text is nested deeply, which nobody expects.
"""

from typing import Any

import pydantic_core


def read_json(data: str | bytes) -> Any:
    """Return what a text says.

    Raises:
        ValueError: it is no JSON, is nested deeper than 200 levels, has a number of more than 4,300
            digits, NaN, an infinity, or half a character.
    """
    return pydantic_core.from_json(data, allow_inf_nan=False)
