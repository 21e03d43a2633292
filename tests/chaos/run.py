"""`python tests/chaos/run.py --rounds N`: all faults, a table, exit code 1 if anything is wrong."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos.faults import FAULTS
from tests.chaos.machine_faults import left_out, machine_faults
from tests.chaos.rounds import JOBS, run_rounds


def main() -> int:
    """Return 0 when nothing was lost, doubled, or above its quota."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault is tried")
    parser.add_argument("--jobs", type=int, default=JOBS, help="submitted in one round")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--long", action="store_true", help="pauses of a minute instead")
    options = parser.parse_args()
    tried = (*FAULTS, *machine_faults(long=options.long))
    faults = [fault for fault in tried if options.only in fault.name]
    report = run_rounds(options.rounds, faults=faults, jobs=options.jobs)
    print("\n".join((*report.table(), *(f"not tried: {each}" for each in left_out()))))
    rows = list(report.rows.values())
    wrong = [
        story for row in report.rows.values() for story in (*row.lost, *row.doubled, *row.stuck)
    ]
    wrong += report.crashes
    print("\n".join(wrong[:50]))
    is_bad = bool(wrong) or report.late_decisions > 0 or not report.is_view_right
    return 1 if is_bad or any(row.quota_error for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
