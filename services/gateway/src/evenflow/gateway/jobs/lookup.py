"""Find the job that a path names."""

import re
from typing import Final

from evenflow.common.domain.errors import NotFound
from evenflow.gateway.edge.permits import sees
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.visibility import shown_row
from evenflow.gateway.view.reads import Row

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def found_job(gateway: Gateway, job_id: str, principal: Principal) -> Row:
    """Return a job's row.

    Raises:
        NotFound: the view has no such job, or it is hidden from who asks.
    """
    key = job_id.lower()
    row = await gateway.reads.job(key) if _UUID.fullmatch(key) else None
    if row is None or not sees(principal, row["queue"]):
        raise NotFound("job", job_id[:80])
    return shown_row(row, principal)
