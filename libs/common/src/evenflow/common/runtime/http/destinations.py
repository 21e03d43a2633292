"""Where a client may connect: addresses that are judged after a name is looked up, and kept.

What is judged is the address that is connected to, not the host as it is written: names, decimal
and octal numbers, and a name server that answers otherwise the second time come to the same.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from types import TracebackType
from typing import Final, Self

import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Public by their numbers, or to some releases of Python: there clouds keep what machines are told.
_CLOUDS: Final = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))
_TRANSLATED: Final = ip_network("64:ff9b::/96")
_COMPATIBLE: Final = ip_network("::/96")
_TRIES: Final = 4


class DestinationRefused(httpx.TransportError):
    """The address is none that may be connected to."""


def why_refused(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """Return what an address is that may not be connected to; None when it may."""
    forms = _embedded(address) or [address]
    if any(form in network for form in forms for network in allowed):
        return None
    return next((kind for form in forms if (kind := _kind(form)) is not None), None)


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


class CheckedTransport(httpx.AsyncBaseTransport):
    """Looks a host up once for each request, and connects to an address that was judged.

    The server is asked, and its certificate judged, by the name that the URL says.
    """

    def __init__(
        self,
        setting: str,
        allowed: Sequence[Network] = (),
        *,
        inner: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve = resolved,
    ) -> None:
        """`setting` names what allows networks; a refusal says it."""
        self._setting = setting
        self._allowed = tuple(allowed)
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address that answers.

        Raises:
            DestinationRefused: one of the host's addresses is none that may be connected to.
            httpx.ConnectError: the host is unknown, or no address of it answers.
        """
        addresses = await self._addresses(request.url)
        failure: httpx.TransportError = httpx.ConnectError("the host has no address")
        for address in addresses[:_TRIES]:
            try:
                return await self._inner.handle_async_request(_at(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        """Open what is below."""
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close what is below."""
        await self._inner.__aexit__(exc_type, exc_value, traceback)

    async def _addresses(self, url: httpx.URL) -> list[Address]:
        host = url.raw_host.decode()  # as on the wire: international names are encoded
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            texts = await self._resolve(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} cannot be looked up: {error}") from error
        addresses = [ip_address(text) for text in texts]
        for address in addresses:
            if (kind := why_refused(address, self._allowed)) is not None:
                raise DestinationRefused(
                    f"{host} is at {address}, {kind}; {self._setting} may allow its network"
                )
        return addresses


def _at(request: httpx.Request, address: Address) -> httpx.Request:
    """Return the request as it is sent to an address: the name stays in Host and in TLS."""
    extensions = dict(request.extensions)
    if request.url.scheme == "https":
        extensions["sni_hostname"] = request.url.raw_host.decode()
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions=extensions,
    )


def _kind(address: Address) -> str | None:  # noqa: PLR0911 - a table
    if address.is_unspecified:
        return "an unspecified address"
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address, as those that clouds keep secrets at"
    if address.is_multicast:
        return "a multicast address"
    if any(address in network for network in _CLOUDS):
        return "an address that a cloud keeps for its machines"
    if address.is_private:
        return "a private address"
    if not address.is_global or address.is_reserved:
        return "not an address of the public internet"
    return None


def _embedded(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 one stands for: mapped, translated, tunnelled."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += list(address.teredo or ())
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
