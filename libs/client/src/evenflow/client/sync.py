"""The SDK for programs that wait: one method a request, an iterator for events and for output."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import httpx
from httpx_sse import EventSource

from evenflow.client.discovery.find import Address, find_system
from evenflow.client.errors import ApiProblem, Unreachable
from evenflow.client.login.trust import trusted
from evenflow.client.methods.access import AccessMethods
from evenflow.client.methods.log import LogMethods
from evenflow.client.methods.queues import QueueMethods
from evenflow.client.methods.reservations import ReservationMethods
from evenflow.client.methods.system import SystemMethods
from evenflow.client.methods.usage import UsageMethods
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


class Client(
    AccessMethods, LogMethods, QueueMethods, ReservationMethods, SystemMethods, UsageMethods
):
    """A connection to one running system; close it, or use it as a context manager.

    Every method raises ApiProblem when the system refuses and Unreachable when nobody answers.
    Reads are never older than this client's own writes.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        address: Address | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
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
            transport = httpx.HTTPTransport(uds=address.socket)
        self._http = httpx.Client(
            base_url=address.base_url,
            timeout=TIMEOUT,
            transport=transport,
            verify=trusted() if address.url.startswith("https:") else True,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def url(self) -> str:
        """Of the gateway."""
        return self.session.address.url

    def send(self, call: Call[T]) -> T:
        """Send one request and return its answer; repeated where that is safe."""
        tries = 0
        while True:
            if self.session.must_renew:
                self.session.renew()
            try:
                return self.session.read(call, self._http.request(**self.session.arguments(call)))
            except (httpx.HTTPError, httpx.InvalidURL, ApiProblem) as error:
                pause = pause_before_retry(call, error, tries)
                if pause is None:
                    if isinstance(error, ApiProblem):
                        raise
                    raise self.session.unreachable(error) from error
            tries += 1
            self._sleep(pause)

    def submit(self, job: JobRequest, *, idempotency_key: str | None = None) -> Job:
        """Submit a job. With a key of yours, a repetition answers with the same job."""
        return self.send(calls.submit(job, idempotency_key))

    def submit_array(self, job: JobRequest, *, idempotency_key: str | None = None) -> JobArray:
        """Submit a job for each index of its `array`, such as `0-9`."""
        return self.send(calls.submit_array(job, idempotency_key))

    def submit_batch(self, jobs: Sequence[JobRequest], *, atomic: bool = False) -> list[BatchItem]:
        """Submit jobs together; each stands on its own unless `atomic`."""
        return self.send(calls.submit_batch(jobs, atomic=atomic))

    def job(self, job_id: str) -> Job:
        """Show a job by its id, or by the beginning of it when no other job begins so."""
        return self.send(calls.job(self.resolve(job_id)))

    def job_details(self, job_id: str) -> dict[str, Any]:
        """Show a job with all its attempts."""
        return self.send(calls.job_details(self.resolve(job_id)))

    def resolve(self, job_id: str) -> str:
        """Return the whole id of the one job whose id begins so."""
        if calls.is_whole_id(job_id):
            return job_id.lower()
        return calls.the_one(job_id, self.jobs(search=job_id, page_size=100)["jobs"])

    def jobs(self, *, page: int = 1, page_size: int = 20, **filters: Any) -> JobPage:
        """List jobs, newest first; filters as in REST: project_id, queue_id, status and so on."""
        return self.send(calls.jobs(filters, page, page_size))

    def all_jobs(self, *, limit: int | None = None, **filters: Any) -> Iterator[Job]:
        """List jobs, newest first, page by page."""
        for page in range(1, 1_000_000):
            found = self.jobs(page=page, page_size=100, **filters)["jobs"]
            yield from found if limit is None else found[: limit - 100 * (page - 1)]
            if len(found) < 100 or (limit is not None and 100 * page >= limit):  # noqa: PLR2004
                return

    def cancel(self, job_id: str, *, user: str | None = None) -> Job:
        """Ask for a job to end; `user` is who wants it, for the record."""
        return self.send(calls.cancel(self.resolve(job_id), user))

    def why(self, job_id: str) -> Explanation:
        """Say why a job is where it is."""
        return self.send(calls.why(self.resolve(job_id)))

    def wait(
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
        whole = self.resolve(job_id)
        pace = WaitPace(timeout_seconds)
        told: tuple[Any, ...] = ()
        while True:
            job = self.send(calls.job(whole))
            state = (job["phase"], job["attempt"], job["blocked_reason"])
            if state != told and on_change:
                on_change(job)
            if job["status"] in ENDED:
                return job
            self._sleep(pace.next_seconds(has_moved=state != told))
            told = state

    def logs(
        self, job_id: str, *, stream: str = "stdout", task: int = 0, follow: bool = False
    ) -> Iterator[OutputPiece]:
        """Return what a task wrote; with `follow`, go on until it has ended."""
        tail = LogTail(self.resolve(job_id), stream, task)
        while True:
            piece = tail.accept(self.send(tail.call()))
            if piece.data:
                yield piece
            if not tail.goes_on(piece, follow=follow):
                return
            self._sleep(tail.pause_seconds(piece))

    def events(
        self,
        *,
        begin: int | None = None,
        kinds: Sequence[str] = (),
        patience_seconds: float | None = None,
    ) -> Iterator[FactEvent]:
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
                with self._stream(resume) as source:
                    for event in source.iter_sse():
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
            self._sleep(resume.pause_seconds())

    @contextmanager
    def _stream(self, resume: Resume) -> Iterator[EventSource]:
        if self.session.must_renew:
            self.session.renew()
        headers = {**self.session.headers(), **resume.headers(), "Accept": "text/event-stream"}
        with self._http.stream(
            "GET", EVENTS, params=resume.params(), headers=headers, timeout=STREAM_TIMEOUT
        ) as response:
            if response.is_error:
                response.read()
                raise self.session.problem(response)
            yield EventSource(response)
