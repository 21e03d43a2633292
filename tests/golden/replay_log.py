"""`python -m tests.golden.replay_log LOG`: decide a recorded log again; print how it went."""

import hashlib
import json
import sys
from pathlib import Path

from evenflow.common.domain.facts import cycle
from evenflow.policy_engine.core.replay.replay import replay
from tests.golden import log_file


def main(path: Path) -> None:
    """Print which decisions came out otherwise, and the digest of all as they came out."""
    lines = list(log_file.read(path))
    recorded = {line.sequence: line.data for line in lines}
    entries = log_file.entries_of(lines)
    by_sequence = {entry.sequence: entry for entry in entries}
    digest = hashlib.sha256()
    differing = []
    decisions = 0
    for replayed in replay(entries):
        again = log_file.message(by_sequence[replayed.sequence], replayed.again)
        digest.update(again)
        decisions += 1
        if again != recorded[replayed.sequence]:
            differing.append(
                {
                    "sequence": replayed.sequence,
                    "recorded": recorded[replayed.sequence].decode(),
                    "again": again.decode(),
                }
            )
    print(
        json.dumps(
            {
                "python": ".".join(map(str, sys.version_info[:3])),
                "facts": len(entries),
                "decisions": decisions,
                "decided": sum(isinstance(entry.fact, cycle.Decided) for entry in entries),
                "digest": digest.hexdigest(),
                "differing": differing,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
