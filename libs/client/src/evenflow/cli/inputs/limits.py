"""Limits as people type them: a count or amounts by resource, or `none`."""

from evenflow.common.domain.errors import InvalidValue


def whole_or_none(text: str, option: str) -> int | None:
    """Read a count, or `none` for no limit.

    Raises:
        InvalidValue: neither.
    """
    if text == "none":
        return None
    if not text.isdecimal():
        raise InvalidValue(option, text, "must be a whole number, or none for no limit")
    return int(text)


def amounts_or_none(text: str, option: str) -> dict[str, str] | None:
    """Read `cpu=4,memory=8Gi`; `none` clears. The gateway judges the quantities.

    Raises:
        InvalidValue: not of that form.
    """
    if text == "none":
        return None
    result: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or not name or not value:
            raise InvalidValue(option, text, "must be as cpu=4,memory=8Gi, or none")
        result[name] = value
    return result
