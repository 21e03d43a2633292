"""The tables of usage over time, folded from the log."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, String, Table

from evenflow.gateway.view.schema import metadata

usage_spans: Final = Table(
    "usage_spans",
    metadata,
    # What attempts that ended have held, exactly: in base units (cores, cards, bytes) times seconds
    # of the hour, or of the UTC day, that begins at `start_at`. Live attempts are added when asked.
    Column("start_at", BigInteger, primary_key=True),
    Column("width_us", BigInteger, primary_key=True),
    Column("queue", String(2100), primary_key=True),
    Column("user", String(255), primary_key=True),
    Column("resource", String(255), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("seconds", Float(53), nullable=False),
)

usage_snapshots: Final = Table(
    "usage_snapshots",
    metadata,
    # Every snapshot that the log told of.
    Column("fact_sequence", BigInteger, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("generated_at", BigInteger, nullable=False),
    Column("data_until", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("is_archived", Boolean, nullable=False),  # its numbers are in usage_archive
    Index("usage_snapshots_by_time", "generated_at"),
)

usage_archive: Final = Table(
    "usage_archive",
    metadata,
    # Decayed usage as the first snapshot of each hour had it; later of each day.
    Column("generated_at", BigInteger, primary_key=True),
    Column("kind", String(8), primary_key=True),  # queue, project or user
    Column("name", String(2100), primary_key=True),
    Column("resource", String(255), primary_key=True),
    Column("raw_hours", Float(53), nullable=False),
    Column("normalized", Float(53), nullable=False),
)
