"""What the engine says of a waiting job, as documents and in words."""

from evenflow.common.contracts.explanation import (
    BecauseAnswer,
    ExplanationAnswer,
    LevelAnswer,
    PredictionAnswer,
)
from evenflow.gateway.values.instants import iso
from evenflow.gateway.why.documents import (
    AheadDocument,
    LevelDocument,
    QueueAheadDocument,
    ShortDocument,
    StartDocument,
)
from evenflow.gateway.why.rules.explanation import (
    ahead_in_words,
    because_in_words,
    no_start_in_words,
    short_in_words,
    start_in_words,
)


def ahead_documents(answer: ExplanationAnswer) -> list[AheadDocument]:
    """Return who goes first as the engine says."""
    return [
        AheadDocument(
            id=each.id,
            name=each.name,
            user_id=each.user,
            priority=each.priority,
            queue_position=each.position,
            because=_because(each.because),
        )
        for each in answer.first
    ]


def level_document(level: LevelAnswer) -> LevelDocument:
    """Return one queue of a job."""
    ahead = level.ahead
    return LevelDocument(
        queue=level.path,
        fair_share=level.fair_share,
        held=level.held,
        request=level.request,
        usage_ratio=level.usage_ratio,
        saturation_before=level.saturation_before,
        saturation_after=level.saturation_after,
        ahead=None
        if ahead is None
        else QueueAheadDocument(queue=ahead.path, because=_because(ahead.because)),
    )


def short_document(answer: ExplanationAnswer) -> ShortDocument | None:
    """Return what is short; None when nothing is."""
    short = answer.short
    if short is None:
        return None
    return ShortDocument(
        resource=short.resource,
        wanted=short.wanted,
        free=short.free,
        largest_free_on_a_node=short.largest,
    )


def start_document(prediction: PredictionAnswer | None) -> StartDocument | None:
    """Return when it may start; None when nobody knows."""
    if prediction is None or prediction.at is None or prediction.basis is None:
        return None
    return StartDocument(at=iso(prediction.at), basis=prediction.basis)


def explanation_in_words(answer: ExplanationAnswer) -> tuple[str, str]:
    """Return what goes on behind the reason, and the sentence on when it may start."""
    more = ""
    if answer.first:
        first = answer.first[0]
        more += "; " + ahead_in_words(first.name, first.user, _because(first.because))
    if (short := answer.short) is not None:
        more += "; " + short_in_words(
            short.resource, short.wanted, short.free, short.per_task, short.largest
        )
    prediction = answer.prediction
    if prediction is None:
        return more, ""
    if prediction.at is None or prediction.basis is None:
        return more, no_start_in_words(prediction.unknown)
    return more, start_in_words(prediction.at, prediction.basis)


def _because(because: BecauseAnswer) -> str:
    return because_in_words(because.basis, because.theirs, because.mine)
