"""Grants: what lies in the bucket of access, as a value and as JSON. Pure.

A token, a session of the page and a one-time code are the same thing: a secret that stands for a
user and roles until an instant.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from evenflow.common.contracts.json_text import read_json
from evenflow.gateway.edge.principal import Role, role_of

Kind = Literal["token", "session", "code"]
_MARKS: Final[Mapping[Kind, str]] = {"token": "evf", "session": "evs", "code": "evc"}
_TEXT: Final = re.compile(r"(ev[fsc])_([0-9a-f]{12})_([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Grant:
    """A secret's digest and what it stands for. Instants are microseconds of the wall's clock."""

    kind: Kind
    id: str
    digest: str
    user: str
    roles: Mapping[str, Role]
    created_at: int
    created_by: str
    expires_at: int | None = None
    parent: str = ""
    """The credential that it came from and ends with, such as `token:<id>`; empty: none."""

    @property
    def key(self) -> str:
        """Where it lies in the bucket."""
        return f"{self.kind}.{self.id}"

    def is_alive(self, now: int) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Secret:
    """What its holder shows: the id is public, the rest is 256 random bits."""

    kind: Kind
    id: str
    bits: str

    def __str__(self) -> str:
        """As it is written into headers, cookies and links."""
        return f"{_MARKS[self.kind]}_{self.id}_{self.bits}"

    @property
    def key(self) -> str:
        """Where its grant lies in the bucket."""
        return f"{self.kind}.{self.id}"

    @property
    def digest(self) -> str:
        """What is kept of it: of so many random bits one round of SHA-256 is enough."""
        return hashlib.sha256(self.bits.encode()).hexdigest()

    def fits(self, grant: Grant | None) -> bool:
        """Whether it is the grant's; takes the same time when there is no such grant."""
        kept = grant.digest if grant is not None else "0" * 64
        return hmac.compare_digest(self.digest, kept) and grant is not None


def new_secret(kind: Kind) -> Secret:
    """Return a secret that nobody has."""
    return Secret(kind, secrets.token_hex(6), secrets.token_hex(32))


def read_secret(text: str, kind: Kind) -> Secret | None:
    """Return what somebody shows; None when it has not the shape."""
    found = _TEXT.fullmatch(text)
    if found is None or found[1] != _MARKS[kind]:
        return None
    return Secret(kind, found[2], found[3])


def to_json(grant: Grant) -> bytes:
    """Write a grant as it lies in the bucket."""
    return json.dumps(
        {
            "digest": grant.digest,
            "user": grant.user,
            "roles": {project: role.word for project, role in grant.roles.items()},
            "created_at": grant.created_at,
            "created_by": grant.created_by,
            "expires_at": grant.expires_at,
            "parent": grant.parent,
        }
    ).encode()


def from_json(key: str, data: bytes) -> Grant:
    """Read what lies under a key; raises ValueError, KeyError or TypeError when it is no grant."""
    kind, _, id_ = key.partition(".")
    if kind not in _MARKS:
        raise ValueError(kind)
    value = read_json(data)
    return Grant(
        kind=kind,  # type: ignore[arg-type]  # one of the marks
        id=id_,
        digest=str(value["digest"]),
        user=str(value["user"]),
        roles={project: role_of(word) for project, word in value["roles"].items()},
        created_at=int(value["created_at"]),
        created_by=str(value["created_by"]),
        expires_at=None if value["expires_at"] is None else int(value["expires_at"]),
        parent=str(value["parent"]),
    )
