"""Questions that services answer by request-reply, outside the log: subjects and messages.

A message is JSON. An answer carries either what was asked for or `error` (for people) and `code`.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from evenflow.common.contracts.subjects import question_subject

MAX_OUTPUT_BYTES: Final = 512 * 1024
"""Most of one answer: as base64 it still fits the broker's messages."""


def output_subject(shard: str) -> str:
    """Return where output is asked for; the binder that acts for the run's cluster answers."""
    return question_subject(shard, "jobs", "logs")


class OutputQuestion(BaseModel):
    """At most `limit` bytes of a run's output from byte `offset`; `limit` is cut to 512 KiB."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    token: str = Field(min_length=1, max_length=100)
    stream: Literal["stdout", "stderr"] = "stdout"
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=64 * 1024, ge=1)


class OutputAnswer(BaseModel):
    """A piece of output, in JSON as URL-safe base64; `is_final`: nothing comes after it."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    data: bytes = b""
    next_offset: int = 0
    is_final: bool = False
    error: str = ""
    code: str = ""
