"""`make bench-quality`: our schedules and placements beside published figures."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.published import ls6 as quality_ls6
from tests.bench.published import openb as quality_openb
from tests.bench.published import swf as quality_swf

Tell = Callable[[str], None]
Row = tuple[str, str, str]
"""What, ours, published or aimed at."""
PARTS = {"backfill": quality_swf, "placement": quality_openb, "fairness": quality_ls6}


def main(wanted: list[str]) -> int:
    """Print the table of the parts that are named, or of all; return the exit code."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"there is no {unknown[0]!r}: choose of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    names = wanted or list(PARTS)
    table = Table("what", "ours", "published, or the aim")
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=sum(PARTS[name].steps() for name in names))

        def tell(what: str) -> None:
            """Say what is measured now, and the how-manieth of all it is."""
            bar.update(task, description=what, advance=1)

        for row in _rows(names, tell):
            table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    return 0


def _rows(names: Iterable[str], tell: Tell) -> Iterator[Row]:
    for name in names:
        yield from PARTS[name].rows(tell=tell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
