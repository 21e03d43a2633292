"""What the texts of a job may hold. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from evenflow.common.domain.errors import InvalidValue

_MAX_DESCRIPTION: Final = 10_000  # characters
_MAX_TAGS, _MAX_TAG = 50, 100


def broken_texts(name: str, description: str, tags: Sequence[str]) -> Iterator[InvalidValue]:
    """Yield what is wrong with the texts of a job, beside the length of its name."""
    if "\0" in name:
        yield InvalidValue("name", name[:40], "must not contain a zero byte")
    if len(description) > _MAX_DESCRIPTION or "\0" in description:
        rule = f"must have at most {_MAX_DESCRIPTION} characters and no zero byte"
        yield InvalidValue("description", description[:40], rule)
    if len(tags) > _MAX_TAGS:
        yield InvalidValue("tags", f"{len(tags)} tags", f"must be at most {_MAX_TAGS}")
    for tag in tags:
        if not 1 <= len(tag) <= _MAX_TAG or "\0" in tag:
            yield InvalidValue("tags", tag[:40], f"must each have 1 to {_MAX_TAG} characters")
