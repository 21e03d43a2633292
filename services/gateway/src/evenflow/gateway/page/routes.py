"""The page: the state rendered on the server, kept fresh by a stream (UI-01 to UI-03, UI-08)."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader
from sse_starlette import EventSourceResponse

from evenflow.common.domain.resources import format_amount
from evenflow.gateway.access.entrance import Entrance
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import gateway_of
from evenflow.gateway.page.documents import page_document
from evenflow.gateway.page.live import LiveState

router: Final = APIRouter(tags=["page"])
STATIC: Final = Path(__file__).parent / "static"
"""What the page loads beside itself, from `/static`."""
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
)
_TEMPLATES.filters["amount"] = lambda amount, name: format_amount(name, amount)
# Everything comes from here, nothing runs that is not a file of ours.
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def page(request: Request) -> Response:
    """Return the page with the state as it is now: useful without JavaScript."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    html = _TEMPLATES.get_template("page.html.j2").render(
        await page_document(gateway, principal_of(request))
    )
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, headers=headers)


@router.get("/status-stream", response_class=EventSourceResponse)
async def status_stream(request: Request) -> Response:
    """Stream the whole state: `snapshot` at once, then again at most twice a second on change."""
    gateway = gateway_of(request)
    gateway.streams.refuse_too_many()
    principal, entrance = principal_of(request), gateway.part(Entrance)
    events = gateway.part(LiveState).events(principal, lambda: entrance.counts(principal))
    return gateway.streams.response(events)
