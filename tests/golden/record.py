"""`make golden`: write the recorded decisions anew, and say how many there are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import log_file
import scenario

from evenflow.common.domain.facts import cycle

LOG = Path(__file__).with_name("log-0001.jsonl.gz")


def main() -> None:
    """Write the log."""
    entries = scenario.record()
    log_file.write(LOG, entries)
    decided = sum(isinstance(entry.fact, cycle.Decided) for entry in entries)
    print(f"{LOG.name}: {len(entries)} facts, {decided} decisions, {LOG.stat().st_size} bytes")


if __name__ == "__main__":
    main()
