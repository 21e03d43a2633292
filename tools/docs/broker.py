"""docs/broker.md: between its markers the table of what each login of the broker may do."""

import re
from pathlib import Path
from typing import Final

from evenflow.common.adapters.nats.accounts import stores
from evenflow.common.adapters.nats.accounts.identities import IDENTITIES
from evenflow.common.adapters.nats.accounts.permissions import Permissions, permissions
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX

PAGE: Final = "docs/broker.md"
_SHARD: Final = "main"
_BLOCK: Final = re.compile(
    r"(?P<begin><!-- logins:begin -->\n).*?(?P<end><!-- logins:end -->)", re.DOTALL
)
_STREAMS: Final = [store.stream for store in (*stores.kept(_SHARD), stores.proof(_SHARD))]


def page(root: Path) -> str:
    """Return the page with the table as the code has it."""

    def block(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{_table()}\n{match['end']}"

    return _BLOCK.sub(block, (root / PAGE).read_text(encoding="utf-8"))


def _table() -> str:
    granted = permissions(_SHARD)
    lines = ["| Login | Publishes | Asks JetStream | Hears |", "|---|---|---|---|"]
    for name in IDENTITIES:
        one = granted[name]
        facts, others = _published(one)
        said = [f"facts {', '.join(f'`{fact}`' for fact in facts)}"] if facts else []
        said += [", ".join(f"`{subject}`" for subject in others)] if others else []
        heard = ", ".join(f"`{subject}`" for subject in one.subscribe)
        lines.append(f"| `{name}` | {'<br>'.join(said) or '—'} | {_asked(one)} | {heard} |")
    return "\n".join(lines) + "\n"


def _published(granted: Permissions) -> tuple[list[str], list[str]]:
    """Return facts, without what is the same for all, and other subjects."""
    prefix = f"evenflow.v1.{_SHARD}."
    said = [
        subject for subject in dict.fromkeys(granted.publish) if not subject.startswith(API_PREFIX)
    ]
    facts = [subject.removeprefix(prefix) for subject in said if subject.startswith(prefix)]
    return facts, [subject for subject in said if not subject.startswith(prefix)]


def _asked(granted: Permissions) -> str:
    """Name the streams, each with its verbs; streams with the same verbs stand together."""
    verbs: dict[str, list[str]] = {}
    for subject in granted.publish:
        for stream in _STREAMS:
            verb, name, _ = subject.removeprefix(f"{API_PREFIX}.").partition(f".{stream}")
            if name and subject.startswith(API_PREFIX) and f".{stream}." in f"{subject}.":
                verbs.setdefault(stream, []).append(verb)
    streams: dict[str, list[str]] = {}
    for stream, found in verbs.items():
        streams.setdefault(", ".join(dict.fromkeys(found)), []).append(f"`{stream}`")
    return "<br>".join(f"{', '.join(names)}: {of}" for of, names in streams.items()) or "—"
