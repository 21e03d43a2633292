"""`make golden`: write the recorded decisions anew, and say how many there are."""

from pathlib import Path

from evenflow.common.domain.facts import cycle
from tests.golden import log_file, scenario

LOG = Path(__file__).with_name("log-0001.jsonl.gz")


def main() -> None:
    """Write the log."""
    entries = scenario.record()
    log_file.write(LOG, entries)
    decided = sum(isinstance(entry.fact, cycle.Decided) for entry in entries)
    print(f"{LOG.name}: {len(entries)} facts, {decided} decisions, {LOG.stat().st_size} bytes")


if __name__ == "__main__":
    main()
