"""The verb of explanations on the bus."""

from typing import Any

from pydantic import Field

from evenflow.gateway.edge.bodies import Body, parse
from evenflow.gateway.edge.bus_requests import BusRequest, BusRequests
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.lookup import found_job
from evenflow.gateway.why.answer import why_document


class WhyBody(Body):
    """A job by its whole id."""

    job_id: str = Field(min_length=1, max_length=100)


def answer_why_requests(requests: BusRequests, gateway: Gateway) -> None:
    """Answer on the bus why jobs are where they are."""

    async def on_explain(request: BusRequest) -> dict[str, Any]:
        asked = parse(WhyBody, request.within(gateway.settings.gateway.max_body))
        await gateway.consistency.wait()
        row = await found_job(gateway, asked.job_id, request.principal)
        return {**await why_document(gateway, row, request.principal)}

    requests.answer("jobs", "explain", on_explain)
