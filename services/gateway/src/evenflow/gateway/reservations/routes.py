"""Room kept in advance for a queue: made, shown, cancelled (BEY-12)."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.errors import Conflict, InvalidValue, NotFound
from evenflow.common.domain.facts import reservations as facts
from evenflow.gateway.edge.bodies import described, parse, read_body
from evenflow.gateway.edge.permits import named_user, project_of, projects_of, sees
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.edge.problems import InvalidRequest
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import gateway_of, origin_of
from evenflow.gateway.queues.rules.tree import found_queue
from evenflow.gateway.reservations.documents import (
    ReservationDocument,
    ReservationList,
    reservation_document,
)
from evenflow.gateway.reservations.rules.request import ReservationFields, read_reservation
from evenflow.gateway.view.reservations import STATUSES, find_reservation, find_reservations

router: Final = APIRouter(prefix="/api/v1", tags=["reservations"])
_TO_COME: Final = ("planned", "active")


@router.get("/reservations")
async def list_reservations(
    request: Request,
    queue_id: Annotated[str | None, Query(max_length=2100)] = None,
    status: Annotated[list[str] | None, Query()] = None,
) -> ReservationList:
    """Return reservations by their start; without a status those that have not ended."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    for each in status or ():
        if each not in STATUSES:
            raise InvalidValue("status", each[:40], f"must be one of {', '.join(STATUSES)}")
    now = gateway.now()
    path = (
        None
        if queue_id is None
        else found_queue(gateway.state(), queue_id, principal_of(request)).path
    )
    rows = await find_reservations(
        gateway.reads.engine,
        now,
        statuses=status or _TO_COME,
        path=path,
        projects=projects_of(principal_of(request)),
    )
    return ReservationList(reservations=[reservation_document(row, now) for row in rows])


@router.post(
    "/reservations",
    status_code=201,
    response_model=ReservationDocument,
    openapi_extra=described(ReservationFields),
)
async def create_reservation(request: Request) -> Response:
    """Keep room for a queue's jobs from `start` to `end`."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    body = await read_body(request, gateway.settings.gateway.max_body)
    asked = parse(ReservationFields, body)
    reservation, broken = read_reservation(
        gateway.state(),
        asked,
        new_id=gateway.new_id(),
        now=gateway.now(),
        executor=gateway.settings.cluster_choice.kind,
        user=principal_of(request).user,
    )
    if reservation is None:
        raise InvalidRequest(broken)
    fact = facts.Defined((reservation,))
    sequence = await gateway.writer.append(fact, origin_of(request))
    await gateway.consistency.wait_for(sequence)
    if reservation.id not in gateway.state().reservations:
        raise Conflict(
            "the reservation does not stand: its queue was removed meanwhile, or there are too "
            "many; look at `evenflow reservation list --all`"
        )
    return await _answer(request, reservation.id, sequence, 201)


@router.get("/reservations/{reservation_id}")
async def show_reservation(request: Request, reservation_id: str) -> ReservationDocument:
    """Return a reservation by its id."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    return await _found(request, reservation_id)


@router.delete("/reservations/{reservation_id}", response_model=ReservationDocument)
async def cancel_reservation(
    request: Request,
    reservation_id: str,
    user_id: Annotated[str | None, Query(max_length=255)] = None,
) -> Response:
    """Keep nothing any more, at once; the reservation stays to be seen as cancelled."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    known = await _found(request, reservation_id)
    if known["status"] not in _TO_COME:
        raise Conflict(f"reservation {known['name']!r} is {known['status']} already")
    user = named_user(principal_of(request), user_id, project_of(known["queue"]))
    fact = facts.Cancelled((facts.Cancellation(known["id"], user),))
    sequence = await gateway.writer.append(fact, origin_of(request))
    await gateway.consistency.wait_for(sequence)
    return await _answer(request, known["id"], sequence, 200)


async def _found(request: Request, key: str) -> ReservationDocument:
    gateway = gateway_of(request)
    row = await find_reservation(gateway.reads.engine, key.lower()[:64])
    if row is None or not sees(principal_of(request), row["queue"]):
        raise NotFound("reservation", key[:80], "see `evenflow reservation list --all`")
    return reservation_document(row, gateway.now())


async def _answer(request: Request, key: str, sequence: int, status: int) -> Response:
    return JSONResponse(await _found(request, key), status, sequence_headers(sequence))
