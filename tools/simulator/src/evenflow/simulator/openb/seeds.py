"""Seeds as a person writes them."""

from typing import Final

from evenflow.common.domain.errors import InvalidValue

MOST_SEEDS: Final = 10_000
MOST_DIGITS: Final = 18
_RULE: Final = f"must be at most {MOST_SEEDS} numbers or ranges such as 42-51, by commas"


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that `42-51`, `42,43` or a mixture of both names, in that order."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = (each.strip() for each in part.partition("-"))
        if not _is_number(first) or (dash and not _is_number(last)):
            raise InvalidValue("seeds", text, _RULE)
        begin, end = int(first), int(last) if dash else int(first)
        if end < begin or end - begin + len(seeds) >= MOST_SEEDS:
            raise InvalidValue("seeds", text, _RULE)
        seeds += range(begin, end + 1)
    return seeds


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
