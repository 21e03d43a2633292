"""Users, as bodies name them. Pure."""

from typing import Final

from evenflow.common.domain.errors import InvalidValue, RequestRejected

_LONGEST: Final = 255


def read_user(user: str, broken: list[RequestRejected]) -> str:
    """Return a user's name: any text that a directory may give; adds to `broken` what is none."""
    if not 1 <= len(user) <= _LONGEST or not user.isprintable() or user != user.strip():
        rule = f"must have 1 to {_LONGEST} printable characters, and no space around them"
        broken.append(InvalidValue("user_id", user[:80], rule))
    return user
