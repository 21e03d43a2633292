"""The verb of usage on the bus."""

from typing import Any

from evenflow.gateway.edge.bus_requests import BusRequest, BusRequests
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.usage.documents import usage_document
from evenflow.gateway.usage.in_use import current_usage


def answer_usage_requests(requests: BusRequests, gateway: Gateway) -> None:
    """Answer on the bus what usage counts now."""

    async def on_show(request: BusRequest) -> dict[str, Any]:
        request.within(gateway.settings.gateway.max_body)
        await gateway.consistency.wait()
        return {**usage_document(await current_usage(gateway), request.principal)}

    requests.answer("usage", "show", on_show)
