"""No parser raises what it does not promise: the short form of `make fuzz`."""

import random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.fuzz.parsers import PARSERS, Parser

_PIECES = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"9" * 5000, b"-1e999", b"NaN", b"[" * 2000,
    b'{"a":' * 500, b"null", b"true", b"1e-400", b"&a", b"*a", b"!!python/object", b"\r\n", b"{}",
)  # fmt: skip


def mutated(seed: bytes, rng: random.Random) -> bytes:
    """Return a seed with pieces cut out, doubled, flipped, or put in."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        match rng.randrange(4):
            case 0:
                del data[at : at + rng.randint(1, 8)]
            case 1:
                data[at:at] = rng.choice(_PIECES)
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 30)]
            case _ if at < len(data):
                data[at] = rng.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_raises_only_what_it_promises(parser: Parser):
    rng = random.Random(1)
    for seed in (*parser.seeds, b""):
        for _ in range(150):
            parser.try_input(mutated(seed, rng))
    for piece in _PIECES:
        parser.try_input(piece)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(str.encode)))
def test_bytes_and_texts_of_any_kind(parser: Parser, data: bytes):
    parser.try_input(data)
