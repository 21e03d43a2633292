"""CONTRIBUTING.md: between each pair of markers the files that an example touches, and why."""

import re
from pathlib import Path
from typing import Final

PAGE: Final = "CONTRIBUTING.md"
_BLOCK: Final = re.compile(
    r"(?P<begin><!-- example:begin (?P<name>[\w-]+) -->\n).*?(?P<end><!-- example:end -->)",
    re.DOTALL,
)
_TABLE: Final = re.compile(r"^\| File \| .*\n(?:\|.*\n)+", re.MULTILINE)


def page(root: Path) -> str:
    """Return the page, with the tables of files as the pages of the examples have them."""

    def block(match: re.Match[str]) -> str:
        example = root / "examples" / match["name"] / "README.md"
        table = _TABLE.search(example.read_text(encoding="utf-8"))
        if table is None:
            raise SystemExit(f"{example.relative_to(root)} has no table of files")
        return f"{match['begin']}\n{table[0]}\n{match['end']}"

    return _BLOCK.sub(block, (root / PAGE).read_text(encoding="utf-8"))
