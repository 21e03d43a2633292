"""Ids of simulated jobs: made of their place in the trace, so that a run can be had again."""


def job_id(index: int) -> str:
    """Return an id of the shape of a UUIDv7 that sorts by the index, 0 to 2^48 - 1."""
    return f"01900000-0000-7000-8000-{index:012x}"


def index_of(identifier: str) -> int:
    """Return the index that `job_id` was given."""
    return int(identifier[-12:], 16)
