"""Who submits and what the machine allows, put together for the rule that says who jobs run as."""

from collections.abc import Callable

from evenflow.common.adapters.accounts import account_named, may_change_account, own_account
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.rules.accounts import (
    Asker,
    RunAccounts,
    account_of_job,
    machine_accounts,
)

LOCAL = "local"
"""The one executor whose runs are processes of an account of this machine."""

AccountOf = Callable[[str, str], str | None]
"""Gives by (executor, user) the account of a job's runs; None: the binder's own."""


def account_chooser(gateway: Gateway, principal: Principal) -> AccountOf:
    """Return what says as which account jobs of a principal run; it raises AccountRefused."""
    asker = Asker(
        principal.user, principal.account, is_admin=principal.may(EVERY_PROJECT, Role.ADMIN)
    )

    def account_of(executor: str, user: str) -> str | None:
        if executor != LOCAL:
            return None
        # Before its exporter has told of the machine: we are on it.
        told = machine_accounts(gateway.state().nodes.values(), LOCAL)
        own, can_change = told or (own_account(), may_change_account())
        if not own:
            return None
        accounts = RunAccounts(own, can_change, _uid_of, gateway.settings.gateway.lowest_uid)
        return account_of_job(asker, user, accounts)

    return account_of


def _uid_of(name: str) -> int | None:
    account = account_named(name)
    return None if account is None else account.uid
