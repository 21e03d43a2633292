# ruff: noqa: T201 - printing is what these programs do
"""The work of the demo's jobs: small programs that really compute. Standard library only.

python programs.py primes 150000 | gzip 1 | bz2 5 | sort 700000 | fail 7 | spin | meet DIR | flaky
"""

import bz2
import gzip
import hashlib
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

_MEGABYTE = 2**20
_PATIENCE_SECONDS = 20.0


def primes(below: str) -> None:
    """Count primes by trial division."""
    count = sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, int(below)))
    print(f"{count} primes below {below}")


def compress_text(compress: Callable[[bytes], bytes], megabytes: str) -> None:
    """Compress made-up text and tell the ratio."""
    words = [f"word{number % 997:03d}" for number in range(4096)]
    chosen = random.Random(7)
    size = int(megabytes) * _MEGABYTE
    text = " ".join(chosen.choices(words, k=size // 8)).encode()
    packed = compress(text)
    print(f"{len(text)} bytes to {len(packed)}: {len(text) / len(packed):.1f} to 1")


def sort(count: str) -> None:
    """Sort random numbers and tell their digest."""
    numbers = random.Random(11).choices(range(10**9), k=int(count))
    numbers.sort()
    digest = hashlib.sha256(repr(numbers).encode()).hexdigest()
    print(f"{count} numbers sorted, sha256 {digest[:16]}")


def fail(code: str) -> None:
    """Go wrong as programs do: words on stderr, an exit code."""
    print("cannot read input: no such dataset", file=sys.stderr)
    sys.exit(int(code))


def spin() -> None:
    """Compute for longer than anybody allows."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        sum(range(10_000))


def meet(directory: str) -> None:
    """Wait until every task of the gang is here at the same time."""
    index, count = os.environ["EVENFLOW_TASK_INDEX"], int(os.environ["EVENFLOW_TASK_COUNT"])
    here = Path(directory)
    here.mkdir(parents=True, exist_ok=True)
    (here / index).touch()
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(list(here.iterdir())) < count:
        if time.monotonic() > until:
            sys.exit("the others did not come")
        time.sleep(0.05)
    primes("30000")
    print(f"task {index} of {count} met the others")


def flaky() -> None:
    """Fail at the first attempt, work at the second."""
    if os.environ["EVENFLOW_ATTEMPT"] == "1":
        sys.exit("the first attempt fails")
    print(f"attempt {os.environ['EVENFLOW_ATTEMPT']} works")


VERBS: dict[str, Callable[..., None]] = {
    "primes": primes,
    "gzip": lambda megabytes: compress_text(lambda text: gzip.compress(text, 9), megabytes),
    "bz2": lambda megabytes: compress_text(bz2.compress, megabytes),
    "sort": sort,
    "fail": fail,
    "spin": spin,
    "meet": meet,
    "flaky": flaky,
}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
