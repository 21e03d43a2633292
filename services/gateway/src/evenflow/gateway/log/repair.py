"""Finding what the log has lost, and letting all services go on without it, in agreement."""

from typing import Final

from evenflow.common.contracts import codec
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.ports.log import Origin
from evenflow.common.runtime.reading import Standstill
from evenflow.gateway.log.care import LogCare
from evenflow.gateway.log.loss import Loss, loss_of, lost_beginning

_SHOWN: Final = 20  # jobs


async def find_loss(care: LogCare, standstill: Standstill | None) -> Loss:
    """Return what the log has lost and nobody has agreed to yet; raises TemporarilyUnavailable."""
    skips = care.bus.skips
    await skips.refresh()
    span = await care.bus.span()
    # What is cut from the log's beginning lies behind a base: so bases are asked for after it.
    states = await care.bus.states()
    whole = [at for at, fits in states.items() if fits]
    gaps = {gap for gap in span.gaps if not skips.covers(*gap)}
    begins = lost_beginning(span, whole)
    if begins and not skips.covers(*begins):
        gaps.add(begins)
    misfit = max((at for at, fits in states.items() if not fits), default=0)
    newest = max((at for at in whole if at < misfit), default=0)
    if standstill and standstill.kind == "gap" and standstill.first >= max(1, span.first):
        gone = standstill.first, min(standstill.last, span.last or standstill.last)
        if not any(first <= gone[0] and gone[1] <= last for first, last in gaps):
            gaps.add(gone)
    if standstill and standstill.kind == "cut" and not misfit:
        misfit = standstill.first
        newest = _newest_fit(whole, span.last, misfit)
    if any(first <= misfit <= last for first, last in gaps):
        misfit = 0  # it is not another message: it is one of those that are gone
    folded_by = {f"checkpoint {at}": at for at in states}
    for who, at in (await care.bus.cursors()).items():
        folded_by[f"cursor of {who}"] = at
    folded_by["view of the gateway"] = care.view()
    live = {who: at for who, at in folded_by.items() if not skips.is_dropped(at, fits=True)}
    return loss_of(span, gaps, live, (misfit, newest) if misfit else None)


def _newest_fit(whole: list[int], last: int, ahead: int) -> int:
    """Return where the log surely was as now: its end if it is below, else a checkpoint, or 0."""
    return last if last < ahead else max((at for at in whole if at < ahead), default=0)


async def repair(care: LogCare, loss: Loss, reason: str, origin: Origin) -> int:
    """Say in the log that it goes on without what is lost; return the sequence of that fact.

    Who owns checkpoints that are dropped by this removes them; nobody uses them from now on.

    Raises:
        TemporarilyUnavailable: the bus is away; repeating it is safe.
    """
    if loss.cut_after is not None:
        await care.bus.set_cursors_back(loss.cut_after)
    return await care.append(loss.fact(reason), origin)


async def known_of(care: LogCare, first: int, last: int) -> str:
    """Say what is still known of messages that are gone."""
    after, until = await _told_at(care, first - 1), await _told_at(care, last + 1)
    jobs = await care.jobs_between(after, until, _SHOWN) if after is not None else []
    if not jobs:
        return "no job is known that was submitted then"
    return "jobs that were submitted then: " + ", ".join(jobs)


async def _told_at(care: LogCare, sequence: int) -> Instant | None:
    message = await care.bus.message_at(sequence) if sequence > 0 else None
    if message is None:
        return None
    try:
        return codec.decode(message.subject, message.data, sequence).occurred_at
    except UnreadableMessage:
        return None
