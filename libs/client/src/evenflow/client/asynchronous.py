"""The SDK for programs with an event loop; method by method the same as `Client`."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import httpx
from httpx_sse import EventSource

from evenflow.client.discovery.find import Address, find_system
from evenflow.client.errors import ApiProblem, Unreachable
from evenflow.client.login.trust import trusted
from evenflow.client.methods.access import AsyncAccessMethods
from evenflow.client.methods.log import AsyncLogMethods
from evenflow.client.methods.queues import AsyncQueueMethods
from evenflow.client.methods.reservations import AsyncReservationMethods
from evenflow.client.methods.system import AsyncSystemMethods
from evenflow.client.methods.usage import AsyncUsageMethods
from evenflow.client.models.explanation import Explanation
from evenflow.client.models.facts import FactEvent
from evenflow.client.models.jobs import BatchItem, Job, JobArray, JobPage, JobRequest
from evenflow.client.requests import jobs as calls
from evenflow.client.requests.call import Call
from evenflow.client.requests.output import LogTail, OutputPiece
from evenflow.client.transport.session import TIMEOUT, Session, pause_before_retry
from evenflow.client.transport.streams import EVENTS, STREAM_TIMEOUT, Resume
from evenflow.client.transport.waiting import ENDED, WaitPace

T = TypeVar("T")


class AsyncClient(
    AsyncAccessMethods,
    AsyncLogMethods,
    AsyncQueueMethods,
    AsyncReservationMethods,
    AsyncSystemMethods,
    AsyncUsageMethods,
):
    """`Client` for programs that run an event loop.

    Every method raises ApiProblem when the system refuses and Unreachable when nobody answers.
    Reads are never older than this client's own writes.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        address: Address | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: of the gateway; None: found as `find_system` says.
            token: to show; None: found as `find_system` says.
            address: instead of `url`, with the token to show.
            transport: for tests and proxies.
            sleep: between repetitions.

        Raises:
            NoSystem, SeveralSystems: no URL was given and there is not exactly one system.
        """
        self.session = Session(address or find_system(url, token=token))
        self._sleep = sleep
        address = self.session.address
        if transport is None and address.socket is not None:
            transport = httpx.AsyncHTTPTransport(uds=address.socket)
        self._http = httpx.AsyncClient(
            base_url=address.base_url,
            timeout=TIMEOUT,
            transport=transport,
            verify=trusted() if address.url.startswith("https:") else True,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @property
    def url(self) -> str:
        """Of the gateway."""
        return self.session.address.url

    async def send(self, call: Call[T]) -> T:
        """Send one request and return its answer; repeated where that is safe."""
        tries = 0
        while True:
            if self.session.must_renew:
                await asyncio.to_thread(self.session.renew)
            try:
                return self.session.read(
                    call, await self._http.request(**self.session.arguments(call))
                )
            except (httpx.HTTPError, httpx.InvalidURL, ApiProblem) as error:
                pause = pause_before_retry(call, error, tries)
                if pause is None:
                    if isinstance(error, ApiProblem):
                        raise
                    raise self.session.unreachable(error) from error
            tries += 1
            await self._sleep(pause)

    async def submit(self, job: JobRequest, *, idempotency_key: str | None = None) -> Job:
        """Submit a job. With a key of yours, a repetition answers with the same job."""
        return await self.send(calls.submit(job, idempotency_key))

    async def submit_array(
        self, job: JobRequest, *, idempotency_key: str | None = None
    ) -> JobArray:
        """Submit a job for each index of its `array`, such as `0-9`."""
        return await self.send(calls.submit_array(job, idempotency_key))

    async def submit_batch(
        self, jobs: Sequence[JobRequest], *, atomic: bool = False
    ) -> list[BatchItem]:
        """Submit jobs together; each stands on its own unless `atomic`."""
        return await self.send(calls.submit_batch(jobs, atomic=atomic))

    async def job(self, job_id: str) -> Job:
        """Show a job by its id, or by the beginning of it when no other job begins so."""
        return await self.send(calls.job(await self.resolve(job_id)))

    async def job_details(self, job_id: str) -> dict[str, Any]:
        """Show a job with all its attempts."""
        return await self.send(calls.job_details(await self.resolve(job_id)))

    async def resolve(self, job_id: str) -> str:
        """Return the whole id of the one job whose id begins so."""
        if calls.is_whole_id(job_id):
            return job_id.lower()
        return calls.the_one(job_id, (await self.jobs(search=job_id, page_size=100))["jobs"])

    async def jobs(self, *, page: int = 1, page_size: int = 20, **filters: Any) -> JobPage:
        """List jobs, newest first; filters as in REST: project_id, queue_id, status and so on."""
        return await self.send(calls.jobs(filters, page, page_size))

    async def all_jobs(self, *, limit: int | None = None, **filters: Any) -> AsyncIterator[Job]:
        """List jobs, newest first, page by page."""
        for page in range(1, 1_000_000):
            found = (await self.jobs(page=page, page_size=100, **filters))["jobs"]
            for job in found if limit is None else found[: limit - 100 * (page - 1)]:
                yield job
            if len(found) < 100 or (limit is not None and 100 * page >= limit):  # noqa: PLR2004
                return

    async def cancel(self, job_id: str, *, user: str | None = None) -> Job:
        """Ask for a job to end; `user` is who wants it, for the record."""
        return await self.send(calls.cancel(await self.resolve(job_id), user))

    async def why(self, job_id: str) -> Explanation:
        """Say why a job is where it is."""
        return await self.send(calls.why(await self.resolve(job_id)))

    async def wait(
        self,
        job_id: str,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[Job], None] | None = None,
    ) -> Job:
        """Return a job once it has ended; `on_change` sees each of its states, the first one too.

        Raises:
            TimeoutError: it has not ended in time.
        """
        whole = await self.resolve(job_id)
        pace = WaitPace(timeout_seconds)
        told: tuple[Any, ...] = ()
        while True:
            job = await self.send(calls.job(whole))
            state = (job["phase"], job["attempt"], job["blocked_reason"])
            if state != told and on_change:
                on_change(job)
            if job["status"] in ENDED:
                return job
            await self._sleep(pace.next_seconds(has_moved=state != told))
            told = state

    async def logs(
        self, job_id: str, *, stream: str = "stdout", task: int = 0, follow: bool = False
    ) -> AsyncIterator[OutputPiece]:
        """Return what a task wrote; with `follow`, go on until it has ended."""
        tail = LogTail(await self.resolve(job_id), stream, task)
        while True:
            piece = tail.accept(await self.send(tail.call()))
            if piece.data:
                yield piece
            if not tail.goes_on(piece, follow=follow):
                return
            await self._sleep(tail.pause_seconds(piece))

    async def events(
        self,
        *,
        begin: int | None = None,
        kinds: Sequence[str] = (),
        patience_seconds: float | None = None,
    ) -> AsyncIterator[FactEvent]:
        """Return facts as they come, each once and in order; broken connections are taken up again.

        Args:
            begin: first sequence; None: what comes from now on.
            kinds: only these, such as `jobs.submitted`; empty: all.
            patience_seconds: give up when nobody answers for this long; None: never.

        Raises:
            Unreachable: patience ran out.
            ApiProblem: the system refuses, such as when the log no longer begins there.
        """
        resume = Resume(begin, kinds)
        lost_at: float | None = None
        while True:
            try:
                async with self._stream(resume) as source:
                    async for event in source.aiter_sse():
                        lost_at = None
                        if fact := resume.accept(event.id, event.event, event.data):
                            yield fact
            except (httpx.HTTPError, Unreachable) as error:
                lost_at = lost_at or time.monotonic()
                if patience_seconds is not None and time.monotonic() - lost_at > patience_seconds:
                    if isinstance(error, Unreachable):
                        raise
                    raise self.session.unreachable(error) from error
            except ApiProblem as error:
                if error.retry_after_seconds is None:
                    raise
            await self._sleep(resume.pause_seconds())

    @asynccontextmanager
    async def _stream(self, resume: Resume) -> AsyncIterator[EventSource]:
        if self.session.must_renew:
            await asyncio.to_thread(self.session.renew)
        headers = {**self.session.headers(), **resume.headers(), "Accept": "text/event-stream"}
        async with self._http.stream(
            "GET", EVENTS, params=resume.params(), headers=headers, timeout=STREAM_TIMEOUT
        ) as response:
            if response.is_error:
                await response.aread()
                raise self.session.problem(response)
            yield EventSource(response)
