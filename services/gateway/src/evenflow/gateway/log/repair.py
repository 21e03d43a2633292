"""Finding what the log has lost, and letting all services go on without it, in agreement."""

from typing import Final

from evenflow.common.contracts import codec
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.ports.log import Origin
from evenflow.common.runtime.reading import Standstill
from evenflow.gateway.log.care import LogCare
from evenflow.gateway.log.loss import Loss, loss_of

_SHOWN: Final = 20  # jobs


async def find_loss(care: LogCare, standstill: Standstill | None) -> Loss:
    """Return what the log has lost and nobody has agreed to yet; raises TemporarilyUnavailable."""
    skips = care.bus.skips
    await skips.refresh()
    extent = await care.bus.extent()
    gaps = {gap for gap in extent.gaps if not skips.covers(*gap)}
    misfit = await care.bus.misfit()
    if standstill and standstill.kind == "gap":
        gone = standstill.first, min(standstill.last, extent.last or standstill.last)
        if not any(first <= gone[0] and gone[1] <= last for first, last in gaps):
            gaps.add(gone)
    if standstill and standstill.kind == "cut" and misfit is None:
        misfit = standstill.first, await _newest_fit(care, extent.last, standstill.first)
    if misfit and any(first <= misfit[0] <= last for first, last in gaps):
        misfit = None  # it is not another message: it is one of those that are gone
    folded_by = await care.bus.folded_by() | {"view of the gateway": care.view()}
    live = {who: at for who, at in folded_by.items() if not skips.is_dropped(at, fits=True)}
    return loss_of(extent, gaps, live, misfit)


async def _newest_fit(care: LogCare, last: int, ahead: int) -> int:
    """Return where the log surely was as now: its end if it is below, else a checkpoint, or 0."""
    if last < ahead:
        return last
    found = [at for at in (await care.bus.folded_by()).values() if at < ahead]
    return min(found, default=0)


async def repair(care: LogCare, loss: Loss, reason: str, origin: Origin) -> int:
    """Say in the log that it goes on without what is lost; return the sequence of that fact.

    Raises:
        TemporarilyUnavailable: the bus is away; repeating it is safe.
    """
    if loss.cut_after is not None:
        await care.bus.drop_beyond(loss.cut_after)
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
