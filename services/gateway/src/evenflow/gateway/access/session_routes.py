"""The page's way in: one-time links, a form for a token, the session's cookie, and out again."""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader

from evenflow.gateway.access.commands import Access
from evenflow.gateway.access.documents import LoginLink
from evenflow.gateway.access.entrance import cookie_name, refuse_other_origin
from evenflow.gateway.access.grants import Grant, Secret
from evenflow.gateway.edge.bodies import read_body
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import gateway_of
from evenflow.gateway.values.instants import iso_or_none

router: Final = APIRouter(tags=["access"])
_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)
_MOST_FORM_BYTES: Final = 4096
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    # A link's code goes nowhere else. Not `no-referrer`: the form would then say `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def login_page(told: str = "", status: int = 401) -> Response:
    """Return the page for who has no session: how to get a link, and a form for a token."""
    html = _TEMPLATES.get_template("login.html.j2").render(told=told)
    return HTMLResponse(html, status, _HEADERS)


@router.get("/login.css", include_in_schema=False)
async def style() -> Response:
    """Return how the login page looks; all else of the page asks for a session."""
    return FileResponse(_HERE / "templates" / "login.css", media_type="text/css")


@router.get("/login", include_in_schema=False)
async def enter_by_link(request: Request, code: str = "") -> Response:
    """Open a session by a one-time code; without one, say how to get a link."""
    if not code:
        return login_page(status=200)
    opened = await gateway_of(request).part(Access).redeem(code[:200])
    if opened is None:
        return login_page("This link was used already, or is too old. Ask for another.")
    return entered(request, *opened)


@router.post("/login", include_in_schema=False)
async def enter_by_token(request: Request) -> Response:
    """Open a session by a token, typed into the form."""
    refuse_other_origin(request.headers)
    access = gateway_of(request).part(Access)
    form = parse_qs((await read_body(request, _MOST_FORM_BYTES)).decode("utf-8", "replace"))
    principal = access.credentials.by_token(form.get("token", [""])[0].strip())
    if principal is None:
        return login_page("This token is not known here.")
    return entered(request, *await access.start_session(principal))


@router.post("/logout", include_in_schema=False)
async def leave(request: Request) -> Response:
    """End the session by which one came, and forget its cookie."""
    await gateway_of(request).part(Access).end_session(principal_of(request))
    answer = login_page("You are logged out.", 200)
    answer.delete_cookie(cookie_name(request.headers), path="/")
    return answer


@router.post("/api/v1/login-links", status_code=201, response_model=LoginLink)
async def make_link(request: Request) -> Response:
    """Return a link that opens the page once, as who asks for it; `evenflow open` prints it."""
    secret, grant = await gateway_of(request).part(Access).make_code(principal_of(request))
    link = LoginLink(path=f"/login?code={secret}", expires_at=iso_or_none(grant.expires_at))
    return JSONResponse(link, 201, {"Cache-Control": "no-store"})


def entered(request: Request, secret: Secret, grant: Grant) -> Response:
    """Return the page that a new session begins with, and its cookie."""
    # A page that goes on by itself, not a redirect: after a link in a mail, SameSite=Strict would
    # keep the cookie back from the page that a redirect leads to.
    html = _TEMPLATES.get_template("entered.html.j2").render(user=grant.user)
    answer = HTMLResponse(html, 200, _HEADERS)
    access = gateway_of(request).part(Access)
    answer.set_cookie(
        cookie_name(request.headers),
        str(secret),
        max_age=round(access.session_seconds),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer
