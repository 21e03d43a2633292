"""A request to a gateway as a value: what is sent, and what type comes back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

T = TypeVar("T")
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request; its answer is a JSON document of type T, inside the body at `pick` if given.

    With `text` it is text of that media type instead.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pick: str | None = None
    text: str | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does the same as sending it once."""
        return self.method in {"GET", "PUT", "DELETE"} or "Idempotency-Key" in self.headers


def api_path(*parts: str) -> str:
    """Return a path under the API; a queue's own slashes are escaped."""
    return "/".join((API, *(quote(part, safe=":") for part in parts)))
