"""Who sends a request: by a bearer token, by the cookie of a session, or by nothing."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from evenflow.gateway.access.bootstrap import FILE_CREDENTIAL, own_account
from evenflow.gateway.access.credentials import Credentials
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role
from evenflow.gateway.edge.problems import Forbidden, Unauthorized

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SCHEME: Final = "bearer "
_HOW: Final = (
    "show a token: `Authorization: Bearer <token>`; `evenflow open` opens the page, and an admin "
    "gives tokens by `evenflow token create`"
)
Prepare = Callable[[str], Awaitable[None]]
"""Judges a bearer token that is not ours to know, before it is asked for; may wait for others."""
Bearer = Callable[[str], Principal | None]
"""Knows who shows a bearer token that is not one of ours; None: does not."""
Attestor = Callable[[Scope], Principal | None]
"""Knows who is at the other end without a token, such as by the kernel's word; None: does not."""


class Entrance:
    """Tells who sends a request; `attestors` are asked when it shows nothing."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        is_open: bool,
        attestors: Sequence[Attestor] = (),
        foreign: tuple[Prepare, Bearer] | None = None,
    ) -> None:
        """Take in who else may know somebody.

        Args:
            credentials: of our own giving.
            is_open: who shows nothing may do everything, as `gateway.require_token` false says.
            attestors: know who is at the other end.
            foreign: judges and knows tokens that others give.
        """
        self._foreign = foreign
        self._credentials = credentials
        self._is_open = is_open
        self._attestors = tuple(attestors)

    async def prepare(self, given: str | None) -> None:
        """Let a token that others gave be judged; raises what is wrong with it."""
        if self._foreign is not None and given is not None and given.lower().startswith(_SCHEME):
            await self._foreign[0](given[len(_SCHEME) :].strip())

    async def of_bus_header(self, given: str | None) -> Principal:
        """Return who shows this header on the bus; raises Unauthorized."""
        await self.prepare(given)
        return self.of_header(given)

    def identify(self, scope: Scope, headers: Headers) -> Principal:
        """Return who sends a request.

        Raises:
            Unauthorized: nobody can tell, or what is shown opens nothing.
            Forbidden: a page of another site sends it with our cookie.
        """
        given = headers.get("authorization")
        if given is not None:
            return self.of_header(given)
        session = cookie_parser(headers.get("cookie", "")).get(cookie_name(headers))
        if session:
            found = self._credentials.by_session(session)
            if found is not None:
                _refuse_other_sites(scope, headers)
                return found
        for attest in self._attestors:
            if (attested := attest(scope)) is not None:
                return attested
        return self._nobody()

    def of_header(self, given: str | None) -> Principal:
        """Return who shows this `Authorization`, the same for REST and for requests on the bus.

        Raises:
            Unauthorized: it opens nothing.
        """
        if given is None:
            return self._nobody()
        if not given.lower().startswith(_SCHEME):
            raise Unauthorized(_HOW)
        token = given[len(_SCHEME) :].strip()
        found = self._credentials.by_token(token)
        if found is None and self._foreign is not None:
            found = self._foreign[1](token)
        if found is None:
            raise Unauthorized(
                "this token is not known here (any more): it may have expired or been revoked; "
                "ask an admin for another, or look at the token file"
            )
        return found

    def counts(self, principal: Principal) -> bool:
        """Whether what somebody came with still opens something: long streams end with it."""
        kind, _, id_ = principal.credential.partition(":")
        if principal.credential == FILE_CREDENTIAL or kind not in ("token", "session"):
            return True
        return self._credentials.find(f"{kind}.{id_}") is not None

    def _nobody(self) -> Principal:
        if not self._is_open:
            raise Unauthorized(_HOW)
        return Principal(own_account(), {EVERY_PROJECT: Role.ADMIN}, "open")


def cookie_name(headers: Headers) -> str:
    """Return the name of the cookie: browsers share cookies among the ports of a host."""
    _, _, port = headers.get("host", "").rpartition(":")
    return f"evenflow_session_{port}" if port.isdigit() else "evenflow_session"


def _refuse_other_sites(scope: Scope, headers: Headers) -> None:
    """Refuse what another site's page makes a browser send; raises Forbidden.

    SameSite keeps the cookie from other sites, but not from other ports of this host.
    """
    if scope["method"] in SAFE:
        return
    refuse_other_origin(headers)


def refuse_other_origin(headers: Headers) -> None:
    """Refuse a request unless the browser says that a page of ours sends it; raises Forbidden."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    is_ours = origin is not None and origin.partition("://")[2] == headers.get("host", "")
    if (origin is not None and not is_ours) or (site or "same-origin") != "same-origin":
        raise Forbidden("this request comes from a page of another site or port")
    if origin is None and site is None:
        raise Forbidden(
            "a request with the page's cookie must say where it comes from (Origin); programs "
            "show a token instead"
        )
