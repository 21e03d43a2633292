"""`make bench-quality`: our schedules and placements beside published figures."""

import sys
from collections.abc import Iterator

import quality_ls6
import quality_openb
import quality_swf
from rich.console import Console
from rich.table import Table

PARTS = {
    "backfill": quality_swf.rows,
    "placement": quality_openb.rows,
    "fairness": quality_ls6.rows,
}


def main(wanted: list[str]) -> int:
    """Print the table of the parts that are named, or of all; return the exit code."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"there is no {unknown[0]!r}: choose of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    table = Table("what", "ours", "published, or the aim")
    console = Console(stderr=True)
    with console.status("reading") as status:
        for row in _rows(wanted or list(PARTS), status.update):
            table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    return 0


def _rows(names: list[str], tell: object) -> Iterator[tuple[str, str, str]]:
    for name in names:
        yield from PARTS[name](**{_TOLD[name]: tell})


_TOLD = {"backfill": "on_row", "placement": "on_row", "fairness": "on_policy"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
