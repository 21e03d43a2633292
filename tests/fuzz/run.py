"""`make fuzz MINUTES=5`: parsers by coverage, REST by its OpenAPI, the bus by hand; a table.

Exit code 1 when anything was found. The time is shared: a half for the parsers, the rest for REST
and the bus.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.bus import run_bus
from tests.fuzz.live import Live, live_system
from tests.fuzz.parsers import PARSERS

_SPARE_SECONDS: Final = 120
Row = tuple[str, int, list[str]]


def main() -> int:
    """Return 0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--only", default="", help="what begins with this: parser, REST, bus")
    options = parser.parse_args()
    seconds = options.minutes * 60
    rows: list[Row] = []
    if "parser".startswith(options.only):
        rows += [_parser(each.name, max(1, seconds / 2 / len(PARSERS))) for each in PARSERS]
    if "REST".startswith(options.only) or "bus".startswith(options.only):
        with live_system() as live:
            if "bus".startswith(options.only):
                rows.append(("bus: requests of an outsider", *run_bus(live, seconds / 6)))
            if "REST".startswith(options.only):
                rows.append(_rest(live, seconds / 3))
            errors = live.tracebacks() + [each for each in [live.trouble()] if each]
            rows.append(("errors that services logged, and how they are", 0, errors))
    print(f"\n{'what':<48} {'inputs':>10} {'found':>6}")
    for what, inputs, found in rows:
        print(f"{what:<48} {inputs:>10,} {len(found):>6}")
    for what, _, found in rows:
        for each in found[:20]:
            print(f"\n{what}:\n{each}")
    return 1 if any(found for _, _, found in rows) else 0


def _parser(name: str, seconds: float) -> Row:
    with tempfile.TemporaryDirectory(prefix="evenflow-fuzz-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.coverage", name, f"{seconds:.0f}", folder]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + _SPARE_SECONDS, check=False
        )
        counts = re.findall(r"^#(\d+)|^Done (\d+) ", done.stderr, re.MULTILINE)
        inputs = max((int(a or b) for a, b in counts), default=0)
        crashes = [each for each in Path(folder).iterdir() if each.is_file()]
        found = [f"{each.read_bytes()[:200]!r}\n{_story(done.stderr)}" for each in crashes]
        if done.returncode and not found:
            found = [_story(done.stderr)]
    print(f"parser: {name}: {inputs:,} inputs, {len(found)} found", flush=True)
    return f"parser: {name}", inputs, found


def _story(stderr: str) -> str:
    begin = stderr.find("=== Uncaught Python exception")
    return stderr[begin : begin + 3000] if begin >= 0 else stderr[-2000:]


def _rest(live: Live, seconds: float) -> Row:
    command = [
        str(Path(sys.executable).with_name("st")), "run", f"{live.state.url}/openapi.json",
        "--header", f"Authorization: Bearer {live.token}",
        "--checks", "not_a_server_error", "--continue-on-failure",
        "--max-time", f"{seconds:.0f}", "--exclude-path-regex", "events|stream|export|logout",
        "--request-timeout", "20", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + _SPARE_SECONDS, check=False
    )
    tried = re.search(r"(\d[\d,]*) generated", done.stdout)
    inputs = int(tried[1].replace(",", "")) if tried else 0
    found = re.findall(r"^_{3,} .+?(?=^_{3,} |^=)", done.stdout, re.MULTILINE | re.DOTALL)
    if done.returncode not in (0, 1):
        found.append(done.stdout[-1500:] + done.stderr[-1500:])
    return "REST: by its OpenAPI description", inputs, found


if __name__ == "__main__":
    sys.exit(main())
