"""The web application: routes, errors as problems, the guard around it. Opens nothing."""

from importlib.metadata import version

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from evenflow.common.domain.errors import EvenflowError, InvalidValue
from evenflow.common.runtime.process.health import health_routes
from evenflow.gateway.access.docs_routes import SWAGGER
from evenflow.gateway.access.endpoints import OPEN_PATHS, demand_role
from evenflow.gateway.access.entrance import Entrance
from evenflow.gateway.access.session_routes import login_page
from evenflow.gateway.edge.bounds import RequestBounds
from evenflow.gateway.edge.budget import RequestBudget
from evenflow.gateway.edge.guard import Guard
from evenflow.gateway.edge.problems import (
    MEDIA_TYPE,
    InvalidRequest,
    Problem,
    body_of,
    http_problem,
    problem_of,
)
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.nouns import ROUTERS
from evenflow.gateway.page.routes import STATIC


def make_app(gateway: Gateway) -> ASGIApp:
    """Return the application of one gateway."""
    app = FastAPI(
        title="Evenflow",
        version=version("evenflow-gateway"),
        description="Shares a fleet of machines fairly over time.",
        docs_url=None,  # `access/docs_routes.py` needs no internet
        redoc_url=None,
        dependencies=[Depends(demand_role)],
        responses={
            "4XX": {"model": Problem, "description": "The request breaks a rule."},
            "5XX": {"model": Problem, "description": "Not now."},
        },
    )
    app.state.gateway = gateway
    for router in ROUTERS:
        app.include_router(router)
    for route in health_routes(gateway.health, gateway.metrics):
        if route.path != "/status":
            app.add_api_route(route.path, route.endpoint, include_in_schema=False)
    app.mount("/static/swagger", StaticFiles(directory=SWAGGER), name="swagger")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(EvenflowError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    settings = gateway.settings.gateway
    return Guard(
        app,
        metrics=gateway.metrics,
        log=gateway.log,
        hosts=(settings.host, *settings.allowed_hosts),
        prepare=gateway.part(Entrance).prepare,
        identify=gateway.part(Entrance).identify,
        open_paths=OPEN_PATHS,
        login_page=login_page,
        bounds=RequestBounds(settings.max_head, settings.body_timeout.total_seconds()),
        budget=gateway.part(RequestBudget),
    )


async def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, EvenflowError):
        raise error
    problem, headers = problem_of(error)
    if problem["status"] == 500:  # noqa: PLR2004 - ours
        request.app.state.gateway.log.error("request_failed", exc_info=error)
    return Response(body_of(problem), problem["status"], headers, MEDIA_TYPE)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    findings = [
        InvalidValue(".".join(map(str, finding["loc"][1:])), finding.get("input"), finding["msg"])
        for finding in error.errors()
    ]
    return await _known(request, InvalidRequest(findings))


async def _http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    problem = http_problem(error.status_code, str(error.detail))
    return Response(body_of(problem), error.status_code, error.headers, MEDIA_TYPE)
