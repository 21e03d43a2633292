"""ARCHITECTURE.md: a map and a table between each pair of markers, which name a package."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.checks.modules import imports_of, read_modules
from tools.docs.rooms.plan import Plan, plan_of
from tools.docs.rooms.svg import svg

PAGE: Final = "ARCHITECTURE.md"
IMAGES: Final = "docs/images"
MAPS: Final = f"{IMAGES}/rooms*.svg"
NAMESPACE: Final = "evenflow"
_NUMBERS: Final = re.compile(r" \([A-Z]+-\d+(, [A-Z]+-\d+)*\)")
"""Of requirements, which are not for readers of the page."""
_BLOCK: Final = re.compile(
    r"(?P<begin><!-- rooms:begin (?P<package>[\w.]+) -->\n).*?(?P<end><!-- rooms:end -->)",
    re.DOTALL,
)


def drawn(root: Path) -> dict[Path, str]:
    """Return the page and its pictures, as the tree says them."""
    modules = read_modules(root)
    imports = imports_of(modules)
    pictures = {}

    def block(match: re.Match[str]) -> str:
        package = match["package"]
        plan = plan_of(package, modules, imports, with_inside=package == NAMESPACE)
        pictures[root / IMAGES / _file(package)] = svg(plan)
        return "\n".join((match["begin"], *_block(plan), "", match["end"]))

    page = _BLOCK.sub(block, (root / PAGE).read_text(encoding="utf-8"))
    return {root / PAGE: page, **pictures}


def _block(plan: Plan) -> Iterator[str]:
    yield f"![The rooms of {plan.package}, top to bottom]({IMAGES}/{_file(plan.package)})"
    yield ""
    yield "| Room | What it is for |"
    yield "|---|---|"
    for room in plan.rooms():
        summary = _NUMBERS.sub("", room.summary).replace("|", r"\|")
        yield f"| [`{room.label}`]({room.path.as_posix()}) | {summary} |"


def _file(package: str) -> str:
    return re.sub(r"[._]", "-", package.replace(NAMESPACE, "rooms", 1)) + ".svg"
