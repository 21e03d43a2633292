"""Find the job that a path names."""

import re
from typing import Final

from evenflow.common.domain.errors import NotFound
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.view.reads import Row

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def found_job(gateway: Gateway, job_id: str) -> Row:
    """Return a job's row.

    Raises:
        NotFound: the view has no such job.
    """
    key = job_id.lower()
    row = await gateway.reads.job(key) if _UUID.fullmatch(key) else None
    if row is None:
        raise NotFound("job", job_id[:80])
    return row
