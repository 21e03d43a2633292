"""Tokens: given, listed, revoked (API-20)."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.errors import Conflict, NotFound
from evenflow.common.domain.facts import access as facts
from evenflow.gateway.access.commands import Access
from evenflow.gateway.access.documents import (
    NewToken,
    TokenDocument,
    TokenList,
    WhoDocument,
    file_document,
    roles_document,
    token_document,
    who_document,
)
from evenflow.gateway.access.grants import Grant, new_secret
from evenflow.gateway.access.requests import TokenFields, read_token
from evenflow.gateway.edge.bodies import described, parse, read_body
from evenflow.gateway.edge.permits import demand, projects_of
from evenflow.gateway.edge.principal import EVERY_PROJECT, Principal, Role, principal_of
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import gateway_of, origin_of

router: Final = APIRouter(prefix="/api/v1", tags=["access"])


@router.get("/whoami")
async def who_am_i(request: Request) -> WhoDocument:
    """Return who one is here, and with which roles."""
    return who_document(principal_of(request))


@router.get("/tokens")
async def list_tokens(request: Request) -> TokenList:
    """Return tokens, never their secrets: those of whose projects one is an admin."""
    access, principal = gateway_of(request).part(Access), principal_of(request)
    known = access.credentials
    used = known.last_used()
    found = [
        token_document(grant, used)
        for grant in known.of_kind("token")
        if _is_admin_of(principal, grant)
    ]
    if known.bootstrap is not None and principal.may(EVERY_PROJECT, Role.ADMIN):
        found.insert(0, file_document(known.bootstrap))
    return TokenList(tokens=found)


@router.post(
    "/tokens", status_code=201, response_model=NewToken, openapi_extra=described(TokenFields)
)
async def create_token(request: Request) -> Response:
    """Give a token: its secret is in this answer and nowhere else."""
    gateway, principal = gateway_of(request), principal_of(request)
    access = gateway.part(Access)
    asked = parse(TokenFields, await read_body(request, gateway.settings.gateway.max_body))
    user, roles, seconds = read_token(asked, principal)
    secret = new_secret("token")
    # Told before it can be used: a token that nobody heard of is worse than one never given.
    told = facts.GivenToken(
        secret.id, user, roles_document(roles), principal.credential, _until(access, seconds)
    )
    sequence = await gateway.writer.append(facts.TokenCreated((told,)), origin_of(request))
    grant = await access.grant_token(secret, user, roles, principal.credential, seconds)
    gateway.log.info("token_created", token_id=grant.id, user=user, by=principal.credential)
    document = NewToken(**token_document(grant, {}), token=str(secret))
    headers = {**sequence_headers(sequence), "Cache-Control": "no-store"}
    return JSONResponse(document, 201, headers)


@router.delete("/tokens/{token_id}", response_model=TokenDocument)
async def revoke_token(request: Request, token_id: str) -> Response:
    """Revoke a token and end its sessions, on all gateways within a second."""
    gateway, principal = gateway_of(request), principal_of(request)
    access = gateway.part(Access)
    if token_id == "file" and principal.may(EVERY_PROJECT, Role.ADMIN):  # noqa: S105 - an id
        raise Conflict("the token of the file is replaced where it lies: write another, restart")
    grant = access.credentials.find(f"token.{token_id[:64]}")
    if grant is None or not _is_visible(principal, grant):
        raise NotFound("token", token_id[:80], "see `evenflow token list`")
    for project in grant.roles:
        demand(principal, project, Role.ADMIN)
    document = token_document(grant, access.credentials.last_used())
    if not await access.revoke(grant):
        raise NotFound("token", token_id[:80], "see `evenflow token list`")
    told = facts.RevokedToken(grant.id, principal.credential)
    sequence = await gateway.writer.append(facts.TokenRevoked((told,)), origin_of(request))
    gateway.log.info("token_revoked", token_id=grant.id, by=principal.credential)
    return JSONResponse(document, 200, sequence_headers(sequence))


def _is_admin_of(principal: Principal, grant: Grant) -> bool:
    return all(principal.may(project, Role.ADMIN) for project in grant.roles)


def _is_visible(principal: Principal, grant: Grant) -> bool:
    """A token that names a project which does not exist for the asker does not exist either."""
    projects = projects_of(principal)
    return projects is None or projects.issuperset(grant.roles)


def _until(access: Access, seconds: float | None) -> int | None:
    return None if seconds is None else access.credentials.now() + round(seconds * 1_000_000)
