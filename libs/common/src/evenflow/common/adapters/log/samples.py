"""The stream of samples on JetStream: appended under a fence, read in order, allowed to age."""

from collections.abc import AsyncIterator, Sequence

from evenflow.common.adapters.log.single_facts import last_fact
from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.ordered_feed import OrderedFeed
from evenflow.common.adapters.nats.stream_names import samples_stream
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.facts.usage import Sampled
from evenflow.common.ports.log import FactLog, Fence, Origin
from evenflow.common.ports.samples import SamplesEnd, StoredSamples

_BATCH = 100  # messages between two looks at anything else


class SamplesStream:
    """`ports.samples.SampleLog` of one shard."""

    def __init__(self, connection: NatsConnection, shard: str, writer: FactLog) -> None:
        """Use the shard's stream; `writer` appends to it. Neither is closed here."""
        self._connection = connection
        self._shard = shard
        self._stream = samples_stream(shard)
        self._subject = subject_of(Sampled, shard)
        self._writer = writer

    async def end(self) -> SamplesEnd:
        """See `SampleLog.end`."""
        with broker_errors(f"reading {self._stream}"):
            info = await self._connection.js.stream_info(self._stream)
        entry = await last_fact(self._connection, self._stream, self._shard, Sampled)
        last = None if entry is None else StoredSamples(entry.sequence, entry.fact)
        return SamplesEnd(info.state.last_seq, last)

    async def append(self, fact: Sampled, after: int, actor: str) -> int:
        """See `SampleLog.append`."""
        return await self._writer.append_fenced(
            fact, Fence(self._subject, after), Origin(actor=actor)
        )

    async def batches(self, after: int) -> AsyncIterator[Sequence[StoredSamples]]:
        """See `SampleLog.batches`.

        Not a `LogReader`: what it takes for a broken log, messages gone before they were read,
        is what age does here.
        """
        feed = OrderedFeed(self._connection, self._stream, after=after, subjects=(self._subject,))
        await feed.start()
        try:
            while True:
                yield [
                    StoredSamples(
                        message.sequence,
                        codec.decode(message.subject, message.data, message.sequence).fact,
                    )
                    for message in await feed.take(_BATCH)
                ]
        finally:
            await feed.close()
