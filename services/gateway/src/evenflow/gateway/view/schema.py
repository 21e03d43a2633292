"""The tables of the view. A view only: everything here can be folded again from the log.

Instants are microseconds since 1970 UTC on the shard's clock. Columns ending in `_json` hold JSON
text that the database never looks into.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata: Final = MetaData()

jobs: Final = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("job_type", String(16), nullable=False),
    Column("executor", String(32), nullable=False),
    Column("executor_config_json", Text, nullable=False),
    Column("project", String(64), nullable=False),
    Column("queue", Text, nullable=False),
    Column("queue_id", String(36)),
    Column("user", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("preemptible", Boolean, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags_json", Text, nullable=False),
    Column("resources_json", Text, nullable=False),
    Column("tasks", Integer, nullable=False),
    # Null where a job has none, which is the rule.
    Column("groups_json", Text),
    Column("constraints_json", Text),
    Column("time_limit_us", BigInteger),
    Column("estimated_duration_us", BigInteger),
    Column("deadline_at", BigInteger),
    Column("retry_limit", Integer, nullable=False),
    Column("backoff_limit", Integer, nullable=False),
    Column("array_id", String(36)),
    Column("array_index", Integer),
    Column("submitted_at", BigInteger, nullable=False),
    Column("enqueued_at", BigInteger),
    Column("position", BigInteger),
    # Below: what moves.
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("placed_at", BigInteger),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("exit_code", Integer),
    Column("message", Text, nullable=False),
    Column("reason_code", String(32)),
    Column("reason_json", Text),
    Column("placement_json", Text),  # [[node, [device, ...]], ...] in task order
    Column("updated_at", BigInteger, nullable=False),
    Index("jobs_by_state", "state", "id"),
    Index("jobs_by_queue", "queue", "id"),
    Index("jobs_by_user", "user", "id"),
    Index("jobs_by_array", "array_id", "array_index", sqlite_where=text("array_id IS NOT NULL"),
          postgresql_where=text("array_id IS NOT NULL")),
    # Only those that wait: small, and read whenever somebody asks who goes first.
    Index("jobs_waiting", "queue", "position", sqlite_where=text("state = 'pending'"),
          postgresql_where=text("state = 'pending'")),
)  # fmt: skip

attempts: Final = Table(
    "attempts",
    metadata,
    # A job's last attempt stands in `jobs`; it moves here when the next one begins.
    Column("job_id", String(36), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("placement_json", Text),
    Column("placed_at", BigInteger),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("outcome", String(16)),
    Column("exit_code", Integer),
    Column("message", Text, nullable=False),
)

queues: Final = Table(
    "queues",
    metadata,
    Column("path", String(2100), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("weight", Float, nullable=False),
    Column("deserved_json", Text),
    Column("limit_json", Text),
    Column("max_concurrent_jobs", BigInteger),
    Column("enabled", Boolean, nullable=False),
    Column("policy", String(32)),
    Column("target_wait_us", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

quotas: Final = Table(
    "quotas",
    metadata,
    Column("path", String(2100), primary_key=True),
    Column("resources_json", Text, nullable=False),
    Column("max_jobs", BigInteger),
    Column("max_by_type_json", Text, nullable=False),
    Column("enforce", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

reservations: Final = Table(
    "reservations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("tasks", Integer, nullable=False),
    Column("resources_json", Text, nullable=False),
    Column("executor", String(32), nullable=False),
    Column("constraints_json", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("cancelled_at", BigInteger),
    Column("cancelled_by", Text),
    Index("reservations_by_end", "end_at"),
)

idempotency: Final = Table(
    "idempotency",
    metadata,
    # Not folded: clients' keys, kept for a day, so that a repeated request finds its jobs.
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer_json", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)

meta: Final = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True),  # one row, 1
    Column("log_id", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("speed", Integer),  # clock.speed of the settings that were last carried out
    Column("last_event_at", BigInteger),  # of the last fact that was folded; null: not known
    Column("last_event_id", String(64)),
    Column("last_loss", BigInteger),  # where the log's loss was told of that is known here
)

bases: Final = Table(
    "bases",
    metadata,
    Column("id", Integer, primary_key=True),  # one row, 1
    Column("sequence", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),  # contracts.checkpoint
)
