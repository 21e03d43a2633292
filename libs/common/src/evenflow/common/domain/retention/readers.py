"""When a reader counts as dead. Pure."""


def is_dead(written_at: int, now: int, dead_after_us: int) -> bool:
    """Whether a reader is silent for longer than that: a living one tells its place every minute.

    `written_at` 0 is from before cursors said when; nobody knows, so it counts as alive.
    """
    return bool(written_at) and now - written_at > dead_after_us
