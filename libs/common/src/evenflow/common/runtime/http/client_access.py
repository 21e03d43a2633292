"""HTTP clients of servers that settings name: as whom to ask, whom to trust, how long to wait."""

import ssl
from datetime import timedelta

import httpx

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.runtime.settings import HttpAccess


def influx_client(access: HttpAccess, url: str) -> httpx.AsyncClient:
    """Return a client of an InfluxDB. The caller closes it."""
    headers, auth = {}, None
    if access.token is not None:
        headers["Authorization"] = f"Token {access.token.get_secret_value()}"
    elif access.user is not None:
        password = access.password.get_secret_value() if access.password else ""
        auth = httpx.BasicAuth(access.user, password)
    verify: ssl.SSLContext | bool = not access.skip_verify
    if access.ca_file is not None and not access.skip_verify:
        verify = ssl.create_default_context(cafile=str(access.ca_file))
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        auth=auth,
        verify=verify,
        timeout=access.timeout / timedelta(seconds=1),
    )


def check_access(access: HttpAccess, section: str) -> None:
    """Judge what only shows when it is used.

    Raises:
        InvalidValue: the file of certificates holds none.
    """
    if access.ca_file is None:
        return
    try:
        ssl.create_default_context(cafile=str(access.ca_file))
    except (ssl.SSLError, OSError) as error:
        raise InvalidValue(
            f"{section}.ca_file", str(access.ca_file), f"holds no certificates: {error}"
        ) from error
