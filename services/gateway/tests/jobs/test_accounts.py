"""As whom a job runs: the table of docs/accounts.md, row by row."""

import pytest

from evenflow.common.domain.nodes.node import Node
from evenflow.gateway.jobs.rules.accounts import (
    AccountRefused,
    Asker,
    RunAccounts,
    account_of_job,
    machine_accounts,
)

UIDS = {"root": 0, "daemon": 1, "svc": 997, "alice": 1000, "bob": 1001}
BY_ROOT = RunAccounts("root", can_change=True, uid_of=UIDS.get, lowest_uid=1000)
BY_SVC = RunAccounts("svc", can_change=False, uid_of=UIDS.get, lowest_uid=1000)

ADMIN_BY_TOKEN = Asker("root", is_admin=True)
ROOT_BY_SOCKET = Asker("root", "root", is_admin=True)
SVC_BY_SOCKET = Asker("svc", "svc", is_admin=True)
ALICE_BY_SOCKET = Asker("alice", "alice")
DAEMON_BY_SOCKET = Asker("daemon", "daemon")
ALICE_BY_TOKEN = Asker("alice")


@pytest.mark.parametrize(
    ("asker", "user", "accounts", "account"),
    [
        pytest.param(ALICE_BY_SOCKET, "alice", BY_ROOT, "alice", id="a peer runs as itself"),
        pytest.param(
            DAEMON_BY_SOCKET, "daemon", BY_ROOT, "daemon", id="the kernel vouches for all"
        ),
        pytest.param(ROOT_BY_SOCKET, "root", BY_ROOT, "root", id="root runs as root"),
        pytest.param(SVC_BY_SOCKET, "svc", BY_SVC, "svc", id="the service's own account"),
        pytest.param(ROOT_BY_SOCKET, "root", BY_SVC, None, id="root may use the service's account"),
        pytest.param(ALICE_BY_TOKEN, "alice", BY_ROOT, "alice", id="a token's user, by its name"),
        pytest.param(ALICE_BY_TOKEN, "alice", BY_SVC, None, id="a token, where all run as one"),
        pytest.param(ADMIN_BY_TOKEN, "root", BY_ROOT, None, id="an admin's own job"),
        pytest.param(ADMIN_BY_TOKEN, "bob", BY_ROOT, "bob", id="an admin names who has an account"),
        pytest.param(ADMIN_BY_TOKEN, "ann", BY_ROOT, None, id="an admin names who has none"),
        pytest.param(ADMIN_BY_TOKEN, "bob", BY_SVC, None, id="an admin, where all run as one"),
        pytest.param(ALICE_BY_TOKEN, "bob", BY_ROOT, "bob", id="an operator names another"),
    ],
)
def test_a_job_runs_as(asker, user, accounts, account):
    assert account_of_job(asker, user, accounts) == account


@pytest.mark.parametrize(
    ("asker", "user", "accounts", "told"),
    [
        pytest.param(ALICE_BY_SOCKET, "alice", BY_SVC, "binder runs as svc", id="no way to change"),
        pytest.param(ALICE_BY_SOCKET, "bob", BY_SVC, "its own alone", id="nor for another"),
        pytest.param(Asker("ann"), "ann", BY_ROOT, "does not have", id="no such account"),
        pytest.param(Asker("root"), "root", BY_ROOT, "belongs to the system", id="root by name"),
        pytest.param(Asker("daemon"), "daemon", BY_ROOT, "lowest_uid", id="the system's by name"),
        pytest.param(ALICE_BY_SOCKET, "root", BY_ROOT, "belongs to", id="an operator names root"),
    ],
)
def test_a_job_is_refused(asker, user, accounts, told):
    with pytest.raises(AccountRefused, match=told) as refusal:
        account_of_job(asker, user, accounts)
    assert (refusal.value.status, refusal.value.field) == (403, "user_id")


def test_what_a_machine_says_of_its_accounts():
    local = Node("here", "local", {}, executor="local", account="root", changes_account=True)
    other = Node("sim", "simulated", {}, executor="simulated")
    assert machine_accounts([other, local], "local") == ("root", True)
    assert machine_accounts([other], "local") is None
    assert machine_accounts([other], "simulated") == ("", False)
