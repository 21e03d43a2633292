"""As which account of its machine a job runs, or why it must not be accepted. Pure.

Whoever submits a job runs a command of theirs on the machine; so this is where it is decided whose
rights that command has. See docs/accounts.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from evenflow.common.domain.errors import RequestRejected
from evenflow.common.domain.nodes.node import Node

UidOf = Callable[[str], int | None]
"""The number of an account by its name; None when the machine has no such account."""


class AccountRefused(RequestRejected):
    """The job cannot run as the account that it would have to run as."""

    status = 403
    code = "account_refused"

    def __init__(self, user: str, message: str) -> None:
        """Say whose job it is, and why it has no account."""
        super().__init__(message, field="user_id", value=user)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who submits: the user of the credential, and the account when the kernel said it."""

    user: str
    account: str | None = None
    is_admin: bool = False  # of every project


@dataclass(frozen=True, slots=True)
class RunAccounts:
    """Whose rights runs of a machine may have."""

    own: str  # the binder's account
    can_change: bool  # whether it may become another
    uid_of: UidOf
    lowest_uid: int  # below are accounts of the system, which a mere name does not open


def account_of_job(asker: Asker, user: str, accounts: RunAccounts) -> str | None:
    """Return the account that runs of the job must have; None: the binder's own, whatever it is.

    `user` is whose job it is: the asker's own, or another's where the asker may name one.

    Raises:
        AccountRefused: there is no account that it may run as.
    """
    if user == asker.user and asker.account is not None:
        return _known_account(asker, asker.account, accounts)
    if asker.is_admin:
        is_other = user != asker.user and accounts.can_change
        return user if is_other and _broken(user, accounts) is None else None
    if asker.account is not None and not accounts.can_change:
        raise AccountRefused(
            user,
            f"a job of {user} would run as {accounts.own}, because the binder may not change its "
            f"account: {asker.account} may submit jobs of its own alone",
        )
    if not accounts.can_change:
        # Who gave the token let its user run commands as this one account.
        return None
    if (reason := _broken(user, accounts)) is not None:
        raise AccountRefused(user, reason)
    return user


def machine_accounts(nodes: Iterable[Node], kind: str) -> tuple[str, bool] | None:
    """Return the account of runs on nodes of a kind, and whether it may be changed.

    None: no such node is known. The name is empty where a cluster has no accounts.
    """
    return next(((n.account, n.changes_account) for n in nodes if n.kind == kind), None)


def _known_account(asker: Asker, account: str, accounts: RunAccounts) -> str | None:
    if account == accounts.own or accounts.can_change:
        return account
    if asker.is_admin:
        return None
    raise AccountRefused(
        account,
        f"jobs of account {account} cannot run here: the binder runs as {accounts.own} and may not "
        f"change its account. Submit as {accounts.own}, or have root start `evenflow up`",
    )


def _broken(user: str, accounts: RunAccounts) -> str | None:
    """Return why a job must not run as the account of a user's name; None: it may."""
    uid = accounts.uid_of(user)
    if uid is None:
        return (
            f"a job of user {user!r} runs as the account of that name, which this machine does not "
            "have: make the account, or submit as a user that has one"
        )
    if uid == 0 or uid < accounts.lowest_uid:
        return (
            f"a job of user {user!r} would run as account {user} (uid {uid}), which belongs to the "
            f"system: gateway.lowest_uid is {accounts.lowest_uid}"
        )
    return None
