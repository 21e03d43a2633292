"""How bodies that are read here are read, and how they clear a field. Pure.

`None` clears a field: the queue or quota has no such limit, or the default again. So does -1.
"""

from typing import Final

STRICT: Final[dict[str, object]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
"""What pydantic is told of a body: nothing unknown, nothing converted."""
Amount = float | str | None
UNLIMITED: Final = (None, -1, "-1")
