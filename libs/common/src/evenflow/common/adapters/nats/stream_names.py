"""How the streams and buckets of a shard are named: the only place that spells them."""

SAMPLES_SUFFIX = "_samples"


def log_stream(shard: str) -> str:
    """Name the one ordered stream of a shard's facts."""
    return f"EVENFLOW_{shard}"


def samples_stream(shard: str) -> str:
    """Name the stream of a shard's measurements."""
    return f"EVENFLOW_{shard}{SAMPLES_SUFFIX}"


def dead_stream(shard: str) -> str:
    """Name the stream of messages nobody could read."""
    return f"EVENFLOW_{shard}_DEAD"


def dead_subject(shard: str) -> str:
    """Return the prefix under which a shard's unreadable messages are stored."""
    return f"evenflow.v1.dead.{shard}"


def leases_bucket(shard: str) -> str:
    """Name the key-value bucket of leases."""
    return f"EVENFLOW_{shard}_leases"


def cursors_bucket(shard: str) -> str:
    """Name the key-value bucket of the readers' cursors."""
    return f"EVENFLOW_{shard}_cursors"


def checkpoints_bucket(shard: str) -> str:
    """Name the object bucket of checkpoints."""
    return f"EVENFLOW_{shard}_checkpoints"


def access_bucket(shard: str) -> str:
    """Name the key-value bucket of tokens and sessions, which is the gateway's alone."""
    return f"EVENFLOW_{shard}_access"


def proof_stream(shard: str) -> str:
    """Name the scratch stream on which the fence is tried."""
    return f"EVENFLOW_{shard}_proof"


def proof_subject(shard: str) -> str:
    """Return the prefix of what is published while the fence is tried."""
    return f"evenflow.v1.proof.{shard}"
