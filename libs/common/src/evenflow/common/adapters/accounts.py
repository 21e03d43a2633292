"""Accounts of this machine: who we are, who somebody is, and whether we may become another.

Reads the system's directory (NSS) and changes nothing. Answers may take a while where that is LDAP.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CAP_SETGID: Final = 6
_CAP_SETUID: Final = 7
_OVERFLOW: Final = Path("/proc/sys/kernel/overflowuid")


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the system knows it; `groups` are all that it is in."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str


def account_named(name: str) -> Account | None:
    """Return the account of that name; None when there is none."""
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: a zero byte
        return None
    if found.pw_name != name:  # some directories do not look at capitals
        return None
    return _account(found)


def account_of_uid(uid: int) -> Account | None:
    """Return the account of that number; None when there is none, or nobody can say who it is.

    The kernel shows every account of a foreign user namespace as one number: that is nobody.
    """
    if uid == _overflow_uid():
        return None
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return None
    return _account(found)


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


def _account(found: pwd.struct_passwd) -> Account:
    groups = os.getgrouplist(found.pw_name, found.pw_gid)
    return Account(
        found.pw_name, found.pw_uid, found.pw_gid, tuple(groups), found.pw_dir, found.pw_shell
    )


def _overflow_uid() -> int:
    try:
        return int(_OVERFLOW.read_text())
    except (OSError, ValueError):
        return -1
