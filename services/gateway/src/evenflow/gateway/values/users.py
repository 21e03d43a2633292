"""Who asks, as bodies name them. Pure."""

import re
from typing import Final

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.queues.queue import NAME_PATTERN

ANONYMOUS: Final = "anonymous"
_USER: Final = re.compile(NAME_PATTERN)


def read_user(user: str | None, broken: list[RequestRejected]) -> str:
    """Return the name of who asks; adds to `broken` what is no name."""
    if user is None:
        return ANONYMOUS
    if not _USER.fullmatch(user):
        broken.append(InvalidValue("user_id", user[:80], f"must match {NAME_PATTERN}"))
    return user
