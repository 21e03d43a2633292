"""Answer questions about the output of runs. Only who acts for the cluster listens."""

from typing import Final

from faststream.nats import NatsBroker, NatsMessage
from pydantic import ValidationError

from evenflow.common.contracts.requests import (
    MAX_OUTPUT_BYTES,
    OutputAnswer,
    OutputQuestion,
    output_subject,
)
from evenflow.common.domain.errors import RequestRejected, TemporarilyUnavailable, UnknownRun
from evenflow.common.ports.executor import Executor
from evenflow.common.runtime.metrics import Metrics

_AT_ONCE: Final = 8  # answers being read from disk


class OutputResponder:
    """Listens for questions between `open` and `close`."""

    def __init__(self, broker: NatsBroker, shard: str, metrics: Metrics) -> None:
        """Nobody listens yet."""
        self._metrics = metrics
        self._subject = output_subject(shard)
        self._executor: Executor | None = None
        self._subscriber = broker.subscriber(self._subject, max_workers=_AT_ONCE)
        self._subscriber(self._on_asked)

    async def open(self, executor: Executor) -> None:
        """Answer from this executor."""
        self._executor = executor
        await self._subscriber.start()

    async def close(self) -> None:
        """Answer nothing more; the broker tells whoever asks that nobody is there."""
        await self._subscriber.stop()
        self._executor = None

    async def _on_asked(self, message: NatsMessage) -> bytes:
        answer = await self._answer(message.body)
        outcome = "refused" if answer.error else "replied"
        self._metrics.events_handled.labels(self._subject, outcome).inc()
        return answer.model_dump_json().encode()

    async def _answer(self, body: bytes) -> OutputAnswer:
        if self._executor is None:
            return OutputAnswer(error="this binder does not act any more", code="unavailable")
        try:
            asked = OutputQuestion.model_validate_json(body)
            chunk = await self._executor.output(
                asked.token, asked.stream, asked.offset, min(asked.limit, MAX_OUTPUT_BYTES)
            )
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in problem["loc"]) or "the question"
            return OutputAnswer(error=f"{place}: {problem['msg']}", code="invalid_value")
        except UnknownRun as error:
            return OutputAnswer(error=str(error), code="not_found")
        except RequestRejected as error:
            return OutputAnswer(error=str(error), code=error.code)
        except (TemporarilyUnavailable, OSError) as error:
            return OutputAnswer(error=str(error), code="unavailable")
        return OutputAnswer(data=chunk.data, next_offset=chunk.next_offset, is_final=chunk.is_final)
