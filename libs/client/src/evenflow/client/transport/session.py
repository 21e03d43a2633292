"""What a client remembers between requests, and how answers are read; the same for both clients."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import httpx

from evenflow.client.discovery.find import Address
from evenflow.client.errors import ApiProblem, Unreachable
from evenflow.client.login.device_flow import needs_renewal, renewed
from evenflow.client.login.kept import kept_logins
from evenflow.client.requests.call import Call

T = TypeVar("T")
SEQUENCE: Final = "X-Evenflow-Sequence"
TIMEOUT: Final = httpx.Timeout(connect=3.0, read=30.0, write=30.0, pool=30.0)
TRIES: Final = 4
_LONGEST_PAUSE_SECONDS: Final = 5.0
_PROBLEM_TYPES: Final = ("application/problem+json", "application/json")


class Session:
    """Address, token, and the newest sequence this client has written.

    Reads carry that sequence, so that they are never older than the client's own writes,
    whichever gateway answers.
    """

    def __init__(self, address: Address) -> None:
        """Nothing was written yet."""
        self.address = address
        self.login = address.login
        self.sequence = 0

    @property
    def must_renew(self) -> bool:
        """Whether what is kept of a sign-in ends before the next request is through."""
        return self.login is not None and needs_renewal(self.login)

    def renew(self) -> None:
        """Get new tokens from the identity provider; raises SignInFailed."""
        if self.login is not None:
            self.login = renewed(self.login, kept_logins())

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the headers of the next request."""
        headers = dict(more or {})
        if token := self.address.token or (self.login.token if self.login else None):
            headers["Authorization"] = f"Bearer {token}"
        if self.sequence:
            headers[SEQUENCE] = str(self.sequence)
        return headers

    def arguments(self, call: Call[Any]) -> dict[str, Any]:
        """Return the keyword arguments of `httpx.Client.request` for a call."""
        arguments: dict[str, Any] = {
            "method": call.method,
            "url": call.path,
            "headers": self.headers(call.headers),
        }
        if call.params:
            arguments["params"] = call.params
        if call.body is not None:
            arguments["json"] = call.body
        return arguments

    def read(self, call: Call[T], response: httpx.Response) -> T:
        """Return what was asked for.

        Raises:
            ApiProblem: the system refused, with everything it said.
            Unreachable: the answer is none of an Evenflow gateway.
        """
        written = response.headers.get(SEQUENCE, "")
        if written.isdigit():
            self.sequence = max(self.sequence, int(written))
        if response.is_error:
            raise self.problem(response)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None  # type: ignore[return-value]  # calls answered so are Call[None]
        if call.text is not None:
            if not response.headers.get("content-type", "").startswith(call.text):
                raise self._stranger(response)
            return response.text  # type: ignore[return-value]  # calls answered so are Call[str]
        body = self._json(response)
        if call.pick is not None and isinstance(body, Mapping):
            body = body.get(call.pick)
        answer: T = body
        return answer

    def problem(self, response: httpx.Response) -> ApiProblem | Unreachable:
        """Return what an answer that is an error says."""
        kind = response.headers.get("content-type", "").partition(";")[0]
        if kind not in _PROBLEM_TYPES:
            return self._stranger(response)
        body = self._json(response)
        document = body if isinstance(body, dict) else {}
        retry_after = response.headers.get("retry-after")
        problem = ApiProblem.of(document, response.status_code, retry_after)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            problem.advice = self._how_to_get_in()
        return problem

    def _how_to_get_in(self) -> str:
        if self.address.token:
            return "Your token opens nothing there; get another, then `evenflow login`."
        first = f"{self.address.advice}. " if self.address.advice else ""
        return (
            f"{first}Ask whoever runs it for a token (`evenflow token create`), then "
            f"`evenflow login --url {self.address.url}`, or set EVENFLOW_TOKEN."
        )

    def unreachable(self, error: httpx.HTTPError | httpx.InvalidURL) -> Unreachable:
        """Return what a failed connection means."""
        match error:
            case httpx.ConnectTimeout() | httpx.PoolTimeout():
                reason = "it does not take connections"
            case httpx.TimeoutException():
                reason = "it took the request and did not answer in time"
            case httpx.ConnectError():
                reason = "nobody listens there" if "refused" in str(error) else str(error)
            case _:
                reason = str(error) or type(error).__name__
        return Unreachable(self.address.url, reason)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise self._stranger(response) from error

    def _stranger(self, response: httpx.Response) -> Unreachable:
        kind = response.headers.get("content-type", "nothing").partition(";")[0]
        return Unreachable(
            self.address.url,
            f"something else listens there (HTTP {response.status_code}, {kind})",
        )


def pause_before_retry(call: Call[Any], error: Exception, tries: int) -> float | None:
    """Return how many seconds to wait before the same call again; None: do not repeat it.

    Repeated is only what may be sent twice, and only when the system was there: a connection
    refused is told at once.
    """
    if tries >= TRIES or not call.is_repeatable:
        return None
    if isinstance(error, ApiProblem):
        after = error.retry_after_seconds
        return None if after is None or after > _LONGEST_PAUSE_SECONDS else after
    broke_off = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
    return 0.1 * 2**tries if broke_off else None
