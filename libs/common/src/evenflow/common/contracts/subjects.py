"""How facts, requests and heartbeats are named on the bus. The only place that spells a subject."""

import re
from typing import Final

from evenflow.common.domain.entry import Fact
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts import FACTS, SAMPLES

PREFIX: Final = "evenflow.v1"


def kind_of(fact_class: type) -> str:
    """Return `<context>.<fact>`, such as `jobs.cancel-requested`."""
    context = fact_class.__module__.rpartition(".")[2]
    return f"{context}.{re.sub(r'(?<!^)(?=[A-Z])', '-', fact_class.__name__).lower()}"


KINDS: Final[dict[str, type]] = {kind_of(fact_class): fact_class for fact_class in FACTS + SAMPLES}
_KIND_OF: Final[dict[type, str]] = {fact_class: kind for kind, fact_class in KINDS.items()}


def subject_of(fact: Fact | type, shard: str) -> str:
    """Return the subject of a fact or of its class."""
    kind = _KIND_OF[fact if isinstance(fact, type) else type(fact)]
    return f"{PREFIX}.{shard}.{kind}"


def class_of(subject: str) -> type:
    """Return the fact class of a subject.

    Raises:
        UnreadableMessage: no fact is published there.
    """
    kind = kind_at(subject)
    if kind not in KINDS:
        raise UnreadableMessage(subject, "no such kind of fact")
    return KINDS[kind]


def kind_at(subject: str) -> str:
    """Return the kind of fact that a subject names, known or not."""
    return ".".join(subject.split(".")[3:])


def log_subjects(shard: str) -> list[str]:
    """Return the subjects of the ordered stream, one by one (never `>`)."""
    return [subject_of(fact_class, shard) for fact_class in FACTS]


def sample_subjects(shard: str) -> list[str]:
    """Return the subjects of the stream of samples."""
    return [subject_of(fact_class, shard) for fact_class in SAMPLES]


def decisions_of(shard: str) -> str:
    """Return the pattern of all the engine's facts: what its fence is held against."""
    return f"{PREFIX}.{shard}.*.decided"


def definitions_of(shard: str) -> str:
    """Return the pattern of all queue definitions: what a gateway's fence is held against."""
    return f"{PREFIX}.{shard}.queues.*"


def request_subject(shard: str, noun: str, verb: str) -> str:
    """Return the subject of a request, outside every stream."""
    return f"{PREFIX}.cmd.{shard}.{noun}.{verb}"


def question_subject(shard: str, noun: str, verb: str) -> str:
    """Return the subject of a question that services ask each other; no client may ask there."""
    return f"{PREFIX}.ask.{shard}.{noun}.{verb}"


def health_subject(shard: str, service: str) -> str:
    """Return the subject of a service's heartbeat."""
    return f"{PREFIX}.health.{shard}.{service}"
