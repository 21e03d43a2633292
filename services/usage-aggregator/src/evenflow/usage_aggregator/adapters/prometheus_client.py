"""prometheus-api-client, made from the settings; whatever goes wrong with it as one error."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests import PreparedRequest, RequestException, Session
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.util.retry import Retry

from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.runtime.settings import PrometheusSettings

_LONGEST_TOLD: Final = 200


@contextmanager
def translated(who: str) -> Iterator[None]:
    """Tell what a server or its client may come up with as one error that says who it was.

    Raises:
        TemporarilyUnavailable: in place of all of them.
    """
    try:
        yield
    except (RequestException, PrometheusApiClientException, OSError) as error:
        told = " ".join(str(error).split())[:_LONGEST_TOLD]
        raise TemporarilyUnavailable(f"{who}: {told}") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        told = f"{who} answers something else than metrics: {error!r}"
        raise TemporarilyUnavailable(told[:_LONGEST_TOLD]) from error


class Bearer(AuthBase):
    """A token as a header, which no `.netrc` replaces."""

    def __init__(self, token: str) -> None:
        """Send this one."""
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add it to a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def prometheus_client(settings: PrometheusSettings) -> PrometheusConnect:
    """Return a client that asks once and waits no longer than the settings say."""
    session = Session()
    session.verify = not settings.skip_verify
    if settings.ca_file is not None and not settings.skip_verify:
        session.verify = str(settings.ca_file)
    auth: AuthBase | None = None
    if settings.token is not None:
        auth = Bearer(settings.token.get_secret_value())
    elif settings.user is not None:
        password = settings.password.get_secret_value() if settings.password else ""
        auth = HTTPBasicAuth(settings.user, password)
    client = PrometheusConnect(
        url=settings.url,
        session=session,
        auth=auth,
        timeout=settings.timeout / timedelta(seconds=1),
        method="POST",
        retry=Retry(total=0),  # the poll itself is tried again, with growing pauses
    )
    # Prepared here: what is wrong with the system's certificates shows before the first poll.
    session.mount("https://", HTTPAdapter(max_retries=Retry(total=0)))
    return client
