"""Every parser that reads what others wrote, with the errors that it promises."""

import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from evenflow.cli.replay_trace.swf import read_swf
from evenflow.common.contracts import checkpoint, codec
from evenflow.common.contracts.json_text import read_json
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.contracts.yaml_text import read_yaml
from evenflow.common.domain.durations import parse_duration_us
from evenflow.common.domain.errors import InvalidValue, RequestRejected, UnreadableMessage
from evenflow.common.domain.facts import FACTS, SAMPLES
from evenflow.common.domain.resources import parse_amount, parse_resources
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.runtime.settings import InvalidSettings, load
from evenflow.gateway.access.grants import from_json, read_secret
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.fleet.parsing import parse_document
from evenflow.gateway.jobs.bodies import Batch, CancelBody, JobPatch
from evenflow.gateway.status.heartbeats import Heartbeats
from evenflow.gateway.values.instants import read_instant

_NOW: Final = 1_800_000_000_000_000
_FACTS: Final = (*FACTS, *SAMPLES)


@dataclass(frozen=True, slots=True)
class Parser:
    """One way in: what reads the bytes, what it may raise, and inputs to begin with."""

    name: str
    read: Callable[[bytes], object]
    promised: tuple[type[Exception], ...] = ()
    seeds: tuple[bytes, ...] = ()

    def try_input(self, data: bytes) -> None:
        """Read; raises only what the parser does not promise."""
        try:
            self.read(data)
        except self.promised:
            return


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _fact(data: bytes) -> object:
    """The first byte chooses the kind of fact, the rest is the message."""
    kind = _FACTS[data[0] % len(_FACTS)] if data else _FACTS[0]
    return codec.decode(subject_of(kind, "main"), data[1:], 1)


def _state(data: bytes) -> object:
    return checkpoint.load(zlib.compress(data, 0), "log")


def _settings(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evenflow.yaml"
        path.write_bytes(data)
        return load(path, environ={})


def _number_or_text(data: bytes) -> Any:
    try:
        value = read_json(data)
    except ValueError:
        return _text(data)
    return value if isinstance(value, float) else _text(data)


PARSERS: Final = (
    Parser("yaml", read_yaml, (yaml.YAMLError,), (b"a: &x [1, 2]\nb: *x\n", b"- 1:20\n- 0x1f\n")),
    Parser(
        "fleet of JSON",
        lambda data: parse_document(data, is_yaml=False),
        (RequestRejected,),
        (b'{"queues": {"a": {"weight": 2}}}',),
    ),
    Parser(
        "fleet of YAML",
        lambda data: parse_document(data, is_yaml=True),
        (RequestRejected,),
        (b"queues:\n  a: {weight: 2}\n",),
    ),
    Parser("job batch", lambda data: parse(Batch, data), (RequestRejected,), (b'{"jobs": [{}]}',)),
    Parser("job patch", lambda data: parse(JobPatch, data), (RequestRejected,), (b'{"name":"x"}',)),
    Parser("cancel", lambda data: parse(CancelBody, data), (RequestRejected,), (b"{}",)),
    Parser(
        "duration",
        lambda data: parse_duration_us(_text(data), "field"),
        (InvalidValue,),
        (b"1h30m", b"90", b"2w"),
    ),
    Parser(
        "amount",
        lambda data: parse_amount("cpu", _text(data)),
        (InvalidValue,),
        (b"500m", b"4Gi", b"1.5"),
    ),
    Parser(
        "resources",
        lambda data: parse_resources(read_json(data), field="resources"),
        (InvalidValue, ValueError),
        (b'{"cpu": "500m", "memory": 5}',),
    ),
    Parser(
        "instant",
        lambda data: read_instant("at", _number_or_text(data), _NOW),
        (InvalidValue,),
        (b"2026-12-01T08:00:00Z", b"1e300", b"-5.5"),
    ),
    Parser("fact", _fact, (UnreadableMessage,), (b"\x00{}", b"\x05" + b'{"fact":{}}')),
    Parser(
        "checkpoint",
        _state,
        (UnreadableMessage,),
        (zlib.decompress(checkpoint.dump(ShardState(), "log")),),
    ),
    Parser(
        "usage snapshot",
        lambda data: parse_snapshot(_text(data)),
        (ValueError, UnreadableMessage),
        (b"{}",),
    ),
    Parser("settings", _settings, (InvalidSettings,), (b"gateway: {port: 1}\n", b"a: [")),
    Parser(
        "SWF log",
        lambda data: read_swf(_text(data).splitlines()),
        (ValueError,),
        (b"; MaxProcs: 4\n1 0 0 10 2 -1 -1 2 -1 -1 1 1 1 -1 -1 -1 -1 -1\n",),
    ),
    Parser("token", lambda data: read_secret(_text(data), "token"), (), (b"evf_0123456789ab_",)),
    Parser(
        "kept token",
        lambda data: from_json("token.a", data),
        (ValueError, KeyError, TypeError),
        (b'{"digest":"","user":"","roles":{},"created_at":1,"created_by":"","expires_at":null}',),
    ),
    Parser("heartbeat", lambda data: Heartbeats().note(data), (), (b'{"service":"a"}',)),
)
"""All of them."""
