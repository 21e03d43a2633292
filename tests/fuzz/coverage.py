"""One parser under a coverage-guided fuzzer: python -m tests.fuzz.coverage PARSER SECONDS FOLDER.

A process for each, because libFuzzer ends its process at what it finds. Needs atheris.
"""

import sys
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found]  # of the group `fuzz`, which `make fuzz` installs


def main() -> None:
    """Fuzz until the time is over; exits with what libFuzzer says."""
    name, seconds, folder = sys.argv[1:]
    atheris.enabled_hooks.add("str")
    with atheris.instrument_imports(include=["evenflow"]):
        from tests.fuzz.parsers import PARSERS  # noqa: PLC0415 - instrumented as it is imported
    (parser,) = (each for each in PARSERS if each.name == name)
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(parser.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", "-max_len=4096"]
    setup: Any = atheris.Setup
    setup([sys.argv[0], *options, str(corpus)], parser.try_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
