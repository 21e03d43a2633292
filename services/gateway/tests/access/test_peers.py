"""Who an account is here that comes by the socket."""

import os

import pytest

from evenflow.common.adapters.accounts import Account, own_account
from evenflow.common.runtime.http.peers import Peer
from evenflow.common.runtime.settings.sections.gateway import GatewaySettings
from evenflow.gateway.access.peers import peer_attestor, principal_of_peer
from evenflow.gateway.edge.principal import Role
from evenflow.gateway.edge.problems import Forbidden

SETTINGS = GatewaySettings(socket_role="viewer", socket_projects=("a", "b"))


def test_root_and_the_services_account_are_admins_of_everything():
    for uid in {0, os.geteuid()}:
        principal = principal_of_peer(Peer(1, uid, 0), SETTINGS)
        assert principal.may("*", Role.ADMIN)
        assert principal.credential == "socket"
    assert principal_of_peer(Peer(1, os.geteuid(), 0), SETTINGS).account == own_account()


def test_others_get_what_the_settings_say():
    alice = Account("alice", 54_321, 54_321, "/home/alice", "/bin/sh")
    principal = principal_of_peer(Peer(1, 54_321, 54_321), SETTINGS, {54_321: alice}.get)
    assert (principal.user, principal.account) == ("alice", "alice")
    assert principal.roles == {"a": Role.VIEWER, "b": Role.VIEWER}


@pytest.mark.parametrize("name", ["", " alice", "al\nice", "a" * 256])
def test_an_account_whose_name_cannot_be_a_users_is_told_so(name):
    account = Account(name, 54_321, 54_321, "/", "")
    with pytest.raises(Forbidden, match="cannot be a user here"):
        principal_of_peer(Peer(1, 54_321, 54_321), SETTINGS, lambda _uid: account)


def test_a_uid_without_an_account_is_nobody():
    with pytest.raises(Forbidden, match="no account of this machine"):
        principal_of_peer(Peer(1, 4_000_000_000, 0), SETTINGS)


def test_without_the_kernels_word_nobody_is_a_peer():
    assert peer_attestor(SETTINGS)({"state": {"request_id": "x"}}) is None
