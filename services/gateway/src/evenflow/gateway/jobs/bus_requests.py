"""The verbs of jobs on the bus: submit, submit-batch, cancel, logs."""

from typing import Any

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.edge.bus_requests import BusRequest, BusRequests
from evenflow.gateway.edge.idempotency import HEADER
from evenflow.gateway.edge.permits import demand_own, named_user
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.batch import submit_batch
from evenflow.gateway.jobs.bodies import CancelBody
from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.jobs.documents import job_document
from evenflow.gateway.jobs.log_routes import WantedOutput, log_document, output_of
from evenflow.gateway.jobs.lookup import found_job
from evenflow.gateway.jobs.submit import submit


def answer_job_requests(requests: BusRequests, gateway: Gateway) -> None:
    """Answer what clients ask of jobs on the bus."""
    limits = gateway.settings.gateway

    async def on_submit(request: BusRequest) -> dict[str, Any]:
        key = request.headers.get(HEADER)
        body = request.within(limits.max_body)
        sequence, answer = await submit(gateway, body, request.principal, request.id, key)
        return {**answer, "sequence": sequence}

    async def on_submit_batch(request: BusRequest) -> dict[str, Any]:
        body = request.within(limits.max_batch_body)
        sequence, answer = await submit_batch(gateway, body, request.principal, request.id)
        return {**answer, "sequence": sequence}

    async def on_cancel(request: BusRequest) -> dict[str, Any]:
        return await _cancel(gateway, request)

    async def on_logs(request: BusRequest) -> dict[str, Any]:
        wanted = parse(WantedOutput, request.within(limits.max_body))
        await gateway.consistency.wait()
        row = await found_job(gateway, wanted.job_id, request.principal)
        token, answer = await output_of(gateway, row, wanted)
        return {**log_document(row, token, wanted, answer)}

    requests.answer("jobs", "logs", on_logs)
    requests.answer("jobs", "submit", on_submit)
    requests.answer("jobs", "submit-batch", on_submit_batch)
    requests.answer("jobs", "cancel", on_cancel)


async def _cancel(gateway: Gateway, request: BusRequest) -> dict[str, Any]:
    asked = parse(CancelBody, request.within(gateway.settings.gateway.max_body))
    if asked.job_id is None:
        raise InvalidValue("job_id", None, "is required")
    await gateway.consistency.wait()
    row = await found_job(gateway, asked.job_id, request.principal)
    demand_own(request.principal, row["queue"], row["user"])
    if row["state"] in TERMINAL:
        raise RequestRejected(f"job {row['id']} has ended ({row['state']})", field="job_id")
    user = named_user(request.principal, asked.user_id, row["project"])
    sequence = await gateway.part(JobCommands).cancel([row["id"]], user, request.origin)
    await gateway.consistency.wait_for(sequence)
    row = await found_job(gateway, row["id"], request.principal)
    return {**job_document(row), "sequence": sequence}
