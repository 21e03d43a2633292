"""All grants as this gateway knows them now, and who somebody is by what they show."""

from collections.abc import Callable, Mapping
from typing import Final

from evenflow.common.runtime.logging import Logger
from evenflow.gateway.access.bootstrap import FILE_CREDENTIAL, Bootstrap
from evenflow.gateway.access.grants import Grant, Kind, from_json, read_secret
from evenflow.gateway.edge.principal import Principal

_USED: Final = "used."


class Credentials:
    """Grants in memory, fed by the bucket: a look-up costs a dictionary and one digest."""

    def __init__(self, bootstrap: Bootstrap | None, now: Callable[[], int], log: Logger) -> None:
        """`now` is the wall's clock, in microseconds; without `bootstrap` only grants count."""
        self.bootstrap = bootstrap
        self.now = now
        self.used: dict[str, int] = {}
        """When each token was last shown, by its id; see `tokens.py` for what is kept."""
        self._grants: dict[str, Grant] = {}
        self._kept_used: dict[str, int] = {}
        self._log = log

    def note(self, key: str, data: bytes | None) -> None:
        """Take in what lies under a key now; None: nothing any more."""
        if key.startswith(_USED):
            if data:
                self._kept_used[key.removeprefix(_USED)] = int(data)
            else:
                self._kept_used.pop(key.removeprefix(_USED), None)
            return
        if data is None:
            self._grants.pop(key, None)
            return
        try:
            self._grants[key] = from_json(key, data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._grants.pop(key, None)  # what nobody can read opens no door
            self._log.warning("grant_unreadable", key=key, reason=repr(error))

    def of_kind(self, kind: Kind) -> list[Grant]:
        """Return the grants of a kind that count now, oldest first."""
        found = [grant for grant in self._grants.values() if grant.kind == kind]
        return sorted(filter(self.counts, found), key=lambda grant: (grant.created_at, grant.id))

    def find(self, key: str) -> Grant | None:
        """Return the grant under a key, if it counts now."""
        grant = self._grants.get(key)
        return grant if grant is not None and self.counts(grant) else None

    def counts(self, grant: Grant) -> bool:
        """Whether a grant opens anything now: it has not expired, and nor has its parent."""
        if not grant.is_alive(self.now()):
            return False
        where, _, id_ = grant.parent.partition(":")
        if where == "token":
            parent = self._grants.get(f"token.{id_}")
            return parent is not None and parent.is_alive(self.now())
        if where == "file":
            return self.bootstrap is not None and self.bootstrap.parent == grant.parent
        return True

    def by_token(self, text: str) -> Principal | None:
        """Return who shows a token; None when it opens nothing."""
        if self.bootstrap is not None and self.bootstrap.fits(text):
            return self.bootstrap.principal
        grant = self.shown(text, "token")
        if grant is None:
            return None
        self.used[grant.id] = self.now()
        return Principal(grant.user, grant.roles, f"token:{grant.id}")

    def by_session(self, text: str) -> Principal | None:
        """Return who shows a session's cookie; None when it opens nothing.

        A session may what the token it came from may now.
        """
        grant = self.shown(text, "session")
        if grant is None:
            return None
        parent = self._parent(grant)
        return Principal(grant.user, (parent or grant).roles, f"session:{grant.id}")

    def shown(self, text: str, kind: Kind) -> Grant | None:
        """Return the grant whose secret is shown, if it counts now."""
        secret = read_secret(text, kind)
        if secret is None:
            return None
        grant = self._grants.get(secret.key)
        is_right = secret.fits(grant)
        return grant if is_right and grant is not None and self.counts(grant) else None

    def parent_of(self, principal: Principal) -> str:
        """Return what a session of this principal shall end with."""
        where, _, id_ = principal.credential.partition(":")
        if principal.credential == FILE_CREDENTIAL and self.bootstrap is not None:
            return self.bootstrap.parent
        if where == "session":
            session = self._grants.get(f"session.{id_}")
            return session.parent if session is not None else ""
        return principal.credential

    def last_used(self) -> Mapping[str, int]:
        """Return when each token was last shown to any gateway, as far as is known here."""
        both = (self._kept_used, self.used)
        names = {name for each in both for name in each}
        return {name: max(each.get(name, 0) for each in both) for name in names}

    def forget_expired(self) -> list[str]:
        """Forget what counts no more; return the keys."""
        gone = [key for key, grant in self._grants.items() if not self.counts(grant)]
        for key in gone:
            del self._grants[key]
        alive = {f"token.{name}" for name in self._kept_used | self.used}
        for key in alive - self._grants.keys():
            self.used.pop(key.removeprefix("token."), None)
        return gone

    def unkept_used(self) -> dict[str, int]:
        """Return what the bucket does not know yet of when tokens were shown."""
        kept = self._kept_used
        return {name: at for name, at in self.used.items() if at > kept.get(name, 0)}

    def _parent(self, grant: Grant) -> Grant | None:
        where, _, id_ = grant.parent.partition(":")
        return self._grants.get(f"token.{id_}") if where == "token" else None
