"""Accounts of this machine: who we are, who somebody is, and whether we may become another.

Reads the system's directory (NSS) and changes nothing. Where that is LDAP an answer may take a
while, so one is kept for some seconds.
"""

import os
import pwd
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

_KEPT_SECONDS: Final = 10.0
_CAP_SETGID: Final = 6
_CAP_SETUID: Final = 7
_OVERFLOW: Final = Path("/proc/sys/kernel/overflowuid")


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the system knows it."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def account_named(name: str) -> Account | None:
    """Return the account of that name; None when there is none."""
    return _named(name, _moment())


def groups_of(account: Account) -> list[int]:
    """Return all groups that an account is in, its own one too."""
    return os.getgrouplist(account.name, account.gid)


def account_of_uid(uid: int) -> Account | None:
    """Return the account of that number; None when there is none, or nobody can say who it is.

    The kernel shows every account of a foreign user namespace as one number: that is nobody.
    """
    if uid == _overflow_uid():
        return None
    return _numbered(uid, _moment())


def own_account() -> str:
    """Return the name of the account that we run as; its number where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def may_change_account(status: Path = Path("/proc/self/status")) -> bool:
    """Whether we may become any other account: root, or both capabilities that it takes."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return os.geteuid() == 0
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    return bool(held >> _CAP_SETGID & 1 and held >> _CAP_SETUID & 1)


@lru_cache(maxsize=1024)
def _named(name: str, _moment: int) -> Account | None:
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: a zero byte, or what is no text of this system
        return None
    # Some directories do not look at capitals.
    return _account(found) if found.pw_name == name else None


@lru_cache(maxsize=1024)
def _numbered(uid: int, _moment: int) -> Account | None:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        return None


def _moment() -> int:
    return int(time.monotonic() // _KEPT_SECONDS)


def _account(found: pwd.struct_passwd) -> Account:
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir, found.pw_shell)


@cache
def _overflow_uid() -> int:
    try:
        return int(_OVERFLOW.read_text())
    except (OSError, ValueError):
        return -1
