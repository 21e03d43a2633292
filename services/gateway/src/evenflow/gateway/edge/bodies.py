"""Bodies of requests, read and judged in one step straight from their bytes."""

from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request

from evenflow.common.contracts.strict_json import BadJson, read_strict_json
from evenflow.gateway.edge.problems import BodyTooLarge, MalformedBody, from_pydantic

T = TypeVar("T")

_ADAPTERS: Final[dict[Any, TypeAdapter[Any]]] = {}


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """Return the validator of a type, built when first needed."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def parse(kind: type[T], body: bytes) -> T:
    """Read a JSON body, after a look at its bounds.

    Raises:
        MalformedBody: not JSON, out of bounds, or a key stands twice.
        InvalidRequest: with everything that breaks the shape.
    """
    read_document(body)
    try:
        result: T = adapter_of(kind).validate_json(body or b"{}")
    except ValidationError as error:
        raise from_pydantic(error) from error
    return result


def read_document(body: bytes) -> Any:
    """Return what a body of JSON stands for; an empty one is an empty object.

    Raises:
        MalformedBody: not JSON, out of bounds, or a key stands twice.
    """
    try:
        return read_strict_json(body or b"{}")
    except BadJson as error:
        raise MalformedBody(f"the body is not JSON as it is read here: it {error}") from error


class Body(BaseModel):
    """A body that is only a shape: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def given_in(body: bytes) -> frozenset[str]:
    """Return the names that a JSON object states: absent and `null` mean different things."""
    return frozenset(read_document(body))


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        BodyTooLarge: it is longer than `limit` bytes; the rest is not read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit)
        parts.append(part)
    return b"".join(parts)


async def read_fields(request: Request, kind: type[T], limit: int) -> tuple[T, frozenset[str]]:
    """Return a body of at most `limit` bytes, and the names that it states.

    Raises:
        RequestRejected: it is too long, is not JSON, or breaks the shape.
    """
    body = await read_body(request, limit)
    return parse(kind, body), given_in(body)


def described(kind: Any, *, is_required: bool = True) -> dict[str, Any]:
    """Return the part of an OpenAPI operation that describes a JSON body of `kind`."""
    schema = adapter_of(kind).json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": is_required, "content": content}}
