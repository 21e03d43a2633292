"""The envelope on the wire and how facts get in and out of it. JSON, checked at both ends.

`{"event_id", "occurred_at", "shard", "actor", "correlation_id", "caused_by", "fact": {...}}`. A
fact that holds one list can be put together from records that were encoded one by one: that is how
group commit joins what waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from evenflow.common.contracts.interning import interned
from evenflow.common.contracts.subjects import class_of
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.errors import UnreadableMessage


class Envelope(BaseModel):
    """Who said a fact, when (shard clock), and what led to it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    occurred_at: Instant
    shard: str
    actor: str
    correlation_id: str = ""
    caused_by: str = ""


@dataclass(frozen=True, slots=True)
class _Codec:
    fact: TypeAdapter[Any]
    event: TypeAdapter[Any]
    list_field: str | None  # the one field, when it is a tuple of records
    records: TypeAdapter[Any] | None


_CODECS: Final[dict[type, _Codec]] = {}


def _codec(fact_class: type) -> _Codec:
    """Return the codec of a class, built when first needed: all at once cost a quarter second."""
    codec = _CODECS.get(fact_class)
    if codec is None:
        codec = _CODECS[fact_class] = _build(fact_class)
    return codec


def _build(fact_class: type) -> _Codec:
    event = type(
        f"{fact_class.__name__}Event", (Envelope,), {"__annotations__": {"fact": fact_class}}
    )
    names = [f for f in fields(fact_class) if str(f.type).startswith("tuple[")]
    is_list = len(fields(fact_class)) == 1 and len(names) == 1
    hint = fact_class.__annotations__[names[0].name] if is_list else None
    return _Codec(
        TypeAdapter(fact_class),
        TypeAdapter(event),
        names[0].name if is_list else None,
        TypeAdapter(hint) if hint is not None else None,
    )


def is_list(fact: Fact) -> bool:
    """Whether the fact holds one list of records and nothing else: such ones travel together."""
    return _codec(type(fact)).list_field is not None


def encode_records(fact: Fact) -> list[bytes]:
    """Return the JSON of each record of a fact that holds one list."""
    codec = _codec(type(fact))
    if codec.list_field is None or codec.records is None:
        raise TypeError(f"{type(fact)} does not hold one list of records")
    one = codec.records.dump_json
    return [one((record,))[1:-1] for record in getattr(fact, codec.list_field)]


def assemble(fact_class: type, envelope: Envelope, records: Sequence[bytes]) -> bytes:
    """Return a whole message made of records encoded before."""
    codec = _codec(fact_class)
    head = envelope.model_dump_json().encode()[:-1]
    return b'%s,"fact":{"%s":[%s]}}' % (head, (codec.list_field or "").encode(), b",".join(records))


def encode(envelope: Envelope, fact: Fact) -> bytes:
    """Return a whole message."""
    body = _codec(type(fact)).fact.dump_json(fact)
    return b'%s,"fact":%s}' % (envelope.model_dump_json().encode()[:-1], body)


def decode(subject: str, data: bytes, sequence: int = 0) -> Entry:
    """Read a message.

    Raises:
        UnreadableMessage: the subject is unknown or the content breaks its contract; names the
            first fields.
    """
    fact_class = class_of(subject)
    try:
        event = _codec(fact_class).event.validate_json(data)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)[:3]
        )
        raise UnreadableMessage(subject, places) from error
    return Entry(
        sequence,
        event.event_id,
        event.occurred_at,
        event.actor,
        interned(event.fact),
        event.correlation_id,
        event.caused_by,
    )


def schema_of(fact_class: type) -> dict[str, Any]:
    """Return the JSON schema of a kind of fact with its envelope."""
    return _codec(fact_class).event.json_schema()
