"""The page's way in through the provider, and what the command must know for its own."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from evenflow.common.domain.errors import NotFound
from evenflow.gateway.access.commands import Access
from evenflow.gateway.access.session_routes import entered, login_page
from evenflow.gateway.edge.problems import Forbidden, Unauthorized
from evenflow.gateway.gateway import Gateway, gateway_of
from evenflow.gateway.oidc.documents import DeviceSignIn
from evenflow.gateway.oidc.service import Oidc
from evenflow.gateway.oidc.sign_in import LASTS_SECONDS

router: Final = APIRouter(tags=["access"])
BEGIN: Final = "/login/oidc"
BACK: Final = "/login/oidc/callback"
_COOKIE: Final = "evenflow_sign_in"
_MOST: Final = 4096  # characters of what comes back


@router.get(BEGIN, include_in_schema=False)
async def begin(request: Request) -> Response:
    """Send a browser to the provider."""
    url, begun = await _oidc(gateway_of(request)).begin(
        str(request.url.replace(path=BACK, query=""))
    )
    answer = RedirectResponse(
        url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )
    # Lax, not Strict: it must come along when the provider sends the browser back.
    answer.set_cookie(
        _COOKIE,
        begun.browser,
        max_age=round(LASTS_SECONDS),
        path=BACK,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(BACK, include_in_schema=False)
async def back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Open a session for a browser that comes back from the provider."""
    gateway = gateway_of(request)
    oidc = _oidc(gateway)
    browser = request.cookies.get(_COOKIE, "")
    try:
        principal = await oidc.finish(state[:_MOST], browser, code[:_MOST], error[:_MOST])
    except (Unauthorized, Forbidden) as refusal:
        gateway.log.info("sign_in_refused", reason=str(refusal))
        answer = login_page(str(refusal), refusal.status)
    else:
        answer = entered(request, *await gateway.part(Access).start_session(principal))
        gateway.log.info("signed_in", user=principal.user, credential=principal.credential)
    answer.delete_cookie(_COOKIE, path=BACK)
    return answer


@router.get("/api/v1/login/oidc")
async def for_devices(request: Request) -> DeviceSignIn:
    """Return where and as which client `evenflow login --oidc` signs somebody in."""
    return await _oidc(gateway_of(request)).device()


def _oidc(gateway: Gateway) -> Oidc:
    try:
        return gateway.part(Oidc)
    except KeyError:
        raise NotFound(
            "identity provider", "oidc", "none is set here (auth.oidc.issuer); use a token or link"
        ) from None
