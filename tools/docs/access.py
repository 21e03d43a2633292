"""docs/access.md: between its markers the table of what each endpoint demands."""

import re
from pathlib import Path
from typing import Final

from evenflow.gateway.access.endpoints import RULES, Rule, Where

PAGE: Final = "docs/access.md"
_BLOCK: Final = re.compile(
    r"(?P<begin><!-- endpoints:begin -->\n).*?(?P<end><!-- endpoints:end -->)", re.DOTALL
)


def page(root: Path) -> str:
    """Return the page with the table as the code has it."""

    def block(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{_table()}\n{match['end']}"

    return _BLOCK.sub(block, (root / PAGE).read_text(encoding="utf-8"))


def _table() -> str:
    lines = ["| Endpoint | Role | Where |", "|---|---|---|"]
    for (method, path), rule in RULES.items():
        shown = path.replace(":path}", "}")
        lines.append(f"| `{method} {shown}` | {_role(rule)} | {_where(rule)} |")
    return "\n".join(lines) + "\n"


def _role(rule: Rule) -> str:
    return "—" if rule.role is None else rule.role.word


def _where(rule: Rule) -> str:
    words = rule.where.value
    if rule.where is Where.PROJECT and rule.also.startswith("in every project"):
        return rule.also
    return f"{words}; {rule.also}" if rule.also else words
