"""The envelope on the wire and how facts get in and out of it. JSON, checked at both ends.

`{"event_id", "occurred_at", "shard", "actor", "correlation_id", "caused_by", "release", "fact":
{...}}`, and `"optional": true` where a reader that does not know the kind may pass over it. A fact
that holds one list can be put together from records that were encoded one by one: that is how
group commit joins what waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from evenflow.common.contracts.bounds import bounded, is_finite
from evenflow.common.contracts.interning import interned
from evenflow.common.contracts.subjects import KINDS, kind_at
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry, Fact, UnknownFact
from evenflow.common.domain.errors import InvalidValue, UnknownKind, UnreadableMessage
from evenflow.common.domain.facts import OPTIONAL, jobs


class Envelope(BaseModel):
    """Who said a fact, when (shard clock), and what led to it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    event_id: str
    occurred_at: Instant
    shard: str
    actor: str
    correlation_id: str = ""
    caused_by: str = ""
    release: str = ""  # of who wrote it


class _Head(Envelope):
    """What is read of a message whose kind is not known."""

    optional: bool = False


@dataclass(frozen=True, slots=True)
class _Codec:
    fact: TypeAdapter[Any]
    event: TypeAdapter[Any]
    read: SchemaValidator  # of the event, within bounds
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
    whole: TypeAdapter[Any] = TypeAdapter(event)
    return _Codec(
        TypeAdapter(fact_class),
        whole,
        bounded(whole),
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
    name = (_codec(fact_class).list_field or "").encode()
    return b'%s"fact":{"%s":[%s]}}' % (_head(fact_class, envelope), name, b",".join(records))


def encode(envelope: Envelope, fact: Fact) -> bytes:
    """Return a whole message."""
    body = _codec(type(fact)).fact.dump_json(fact)
    return b'%s"fact":%s}' % (_head(type(fact), envelope), body)


def _head(fact_class: type, envelope: Envelope) -> bytes:
    optional = b'"optional":true,' if fact_class in OPTIONAL else b""
    unsaid = None if envelope.release else {"release"}  # as facts were written before it was said
    return b"%s,%s" % (envelope.model_dump_json(exclude=unsaid).encode()[:-1], optional)


@cache
def release() -> str:
    """Return the release that this process is of, for the envelopes of what it writes."""
    return version("evenflow-common")


def judge(envelope: Envelope, fact: Fact) -> None:
    """Refuse a fact that readers could not read: it is encoded, and read as they will read it.

    Raises:
        InvalidValue: names the first fields.
    """
    kind = type(fact)
    try:
        data = encode(envelope, fact)
        _read(kind, data)
    except UnreadableMessage as error:
        raise InvalidValue("fact", kind.__name__, error.reason) from error
    except ValueError as error:  # a text that is not Unicode, a number that JSON has not
        raise InvalidValue("fact", kind.__name__, f"cannot be written: {error}") from error


def decode(subject: str, data: bytes, sequence: int = 0) -> Entry:
    """Read a message. One of an unknown kind that may be passed over has an `UnknownFact`.

    Raises:
        UnreadableMessage: the content breaks its contract; names the first fields.
        UnknownKind: the kind is not known, and may not be passed over.
    """
    fact_class = KINDS.get(kind_at(subject))
    if fact_class is None:
        return _unknown(subject, data, sequence)
    event = _read(fact_class, data, subject)
    return Entry(
        sequence,
        event.event_id,
        event.occurred_at,
        event.actor,
        interned(event.fact),
        event.correlation_id,
        event.caused_by,
    )


def _read(fact_class: type, data: bytes, subject: str = "") -> Any:
    """Read and judge a message of a known kind: the same for who writes and for who reads."""
    event = _validated(_codec(fact_class).read, subject, data)
    if fact_class is jobs.Submitted:
        for place, spec in enumerate(event.fact.jobs):
            if spec.executor_config and not is_finite(spec.executor_config):
                where = f"fact.jobs.{place}.executor_config"
                raise UnreadableMessage(subject, f"{where}: Input should be a finite number")
    return event


def _unknown(subject: str, data: bytes, sequence: int) -> Entry:
    head = _validated(_head_reader(), subject, data)
    if not head.optional:
        raise UnknownKind(subject, head.release)
    fact = UnknownFact(kind_at(subject), head.release)
    return Entry(sequence, head.event_id, head.occurred_at, head.actor, fact)


@cache
def _head_reader() -> SchemaValidator:
    return bounded(TypeAdapter(_Head))


def _validated(reader: SchemaValidator, subject: str, data: bytes) -> Any:
    try:
        return reader.validate_json(data)
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)[:3]
        )
        raise UnreadableMessage(subject, places) from error
    except Exception as error:  # a rule of the domain raises its own
        raise UnreadableMessage(subject, str(error) or repr(error)) from error


def schema_of(fact_class: type) -> dict[str, Any]:
    """Return the JSON schema of a kind of fact with its envelope."""
    return _codec(fact_class).event.json_schema()
