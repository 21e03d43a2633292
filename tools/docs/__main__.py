"""`python -m tools.docs [--schemas] [--check]`: write what is drawn from the code, or check it."""

import sys
from argparse import ArgumentParser
from collections.abc import Collection
from pathlib import Path

from tools.docs import access, broker, examples, jobs, rooms, schemas, settings

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = f"{schemas.FOLDER}/*.json"


def drawn() -> dict[Path, str]:
    """Return the pages, and the maps on them."""
    return {
        ROOT / "docs/jobs.md": jobs.page(),
        ROOT / "docs/settings.md": settings.page(),
        ROOT / examples.PAGE: examples.page(ROOT),
        ROOT / access.PAGE: access.page(ROOT),
        ROOT / broker.PAGE: broker.page(ROOT),
        **rooms.drawn(ROOT),
    }


def frozen() -> dict[Path, str]:
    """Return the schemas."""
    return {ROOT / schemas.FOLDER / name: text for name, text in schemas.files().items()}


def stale(wanted: dict[Path, str]) -> list[Path]:
    """Return the files that are not as wanted."""
    return [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]


def left_over(pattern: str, wanted: Collection[Path]) -> list[Path]:
    """Return the files of a pattern that are not wanted: of what is gone."""
    return sorted(set(ROOT.glob(pattern)) - set(wanted))


def main() -> int:
    """Return the exit code: 1 when something is stale and was only checked."""
    parser = ArgumentParser(prog="python -m tools.docs", description=__doc__)
    parser.add_argument("--schemas", action="store_true", help="the schemas instead of the pages")
    parser.add_argument("--check", action="store_true", help="check both, write nothing")
    options = parser.parse_args()
    if options.check:
        return _check()
    wanted, pattern = (frozen(), SCHEMAS) if options.schemas else (drawn(), rooms.MAPS)
    for path in stale(wanted):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
        print(f"wrote {path.relative_to(ROOT)}")
    for path in left_over(pattern, wanted):
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


def _check() -> int:
    wanted, shapes = drawn(), frozen()
    pages = [*stale(wanted), *left_over(rooms.MAPS, wanted)]
    contracts = [*stale(shapes), *left_over(SCHEMAS, shapes)]
    for path in pages:
        print(f"{path.relative_to(ROOT)} is not what the code says: run `make docs`")
    for path in contracts:
        print(
            f"{path.relative_to(ROOT)}: a contract on the wire has changed. An optional field may "
            "be added: run `make schemas`. A changed meaning needs a new fact beside the old one."
        )
    print(f"drawn pages and schemas: {len(pages) + len(contracts)} stale")
    return 1 if pages or contracts else 0


if __name__ == "__main__":
    sys.exit(main())
