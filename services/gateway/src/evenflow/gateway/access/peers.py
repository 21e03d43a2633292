"""Who asks over the Unix socket: the account that the kernel names, as a principal."""

from collections.abc import Callable
from typing import Final

from starlette.types import Scope

from evenflow.common.adapters.accounts import Account, account_of_uid, own_account
from evenflow.common.domain.errors import RequestRejected
from evenflow.common.runtime.http.peers import PEER, Peer
from evenflow.common.runtime.settings.sections.gateway import GatewaySettings
from evenflow.gateway.access.entrance import Attestor
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role, role_of
from evenflow.gateway.edge.problems import Forbidden
from evenflow.gateway.values.users import read_user

CREDENTIAL: Final = "socket"


def peer_attestor(settings: GatewaySettings) -> Attestor:
    """Return what knows who is at the other end of our socket."""

    def attest(scope: Scope) -> Principal | None:
        peer = scope["state"].get(PEER)
        return None if peer is None else principal_of_peer(peer, settings)

    return attest


def principal_of_peer(
    peer: Peer,
    settings: GatewaySettings,
    account_of: Callable[[int], Account | None] = account_of_uid,
) -> Principal:
    """Return who a peer is: root and our own account are admins, others what the settings say.

    Raises:
        Forbidden: it has no account here, or one whose name cannot be a user's.
    """
    account = account_of(peer.uid)
    if account is None:
        raise Forbidden(f"uid {peer.uid} is no account of this machine: nobody can say who asks")
    broken: list[RequestRejected] = []
    read_user(account.name, broken)
    if broken:
        raise Forbidden(
            f"account {account.name!r} cannot be a user here: its name {broken[0].rule}. "
            "Ask an admin for a token of another name"
        )
    if peer.uid == 0 or account.name == own_account():
        roles = {EVERY_PROJECT: Role.ADMIN}
    else:
        roles = dict.fromkeys(settings.socket_projects, role_of(settings.socket_role))
    return Principal(account.name, roles, CREDENTIAL, account.name)
