"""Clients that connect to public addresses only: by name, number, IPv6 forms and rebinding."""

import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx
import pytest

from evenflow.common.runtime.http.destinations import (
    CheckedTransport,
    DestinationRefused,
    why_refused,
)
from evenflow.common.testing.servers.receiver import Receiver
from evenflow.common.testing.servers.tls import made_certificates, tls_in_front

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.up()
    yield made
    made.down()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.0.3", "loopback"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - judged, not bound to
        ("0.1.2.3", "private"),
        ("10.0.0.1", "private"),
        ("172.16.3.4", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "public internet"),
        ("100.100.100.200", "public internet"),
        ("169.254.169.254", "link-local"),
        ("168.63.129.16", "cloud"),
        ("192.0.0.192", "cloud"),
        ("198.18.0.1", "private"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "private"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fe80::1", "link-local"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("ff02::1", "multicast"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::7f00:1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::a00:1", "public internet"),
        ("2002:7f00:1::", "loopback"),
        ("2001:0:a00:1::1", "private"),
    ],
)
def test_addresses_that_are_not_of_the_public_internet_are_refused(text: str, kind: str) -> None:
    assert kind in (why_refused(ip_address(text)) or "")


@pytest.mark.parametrize("text", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_are_not(text: str) -> None:
    assert why_refused(ip_address(text)) is None


def test_an_allowed_network_counts_for_the_forms_of_its_addresses_too() -> None:
    for text in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
        assert why_refused(ip_address(text), LOOPBACK) is None
    assert why_refused(ip_address("10.0.0.1"), LOOPBACK) is not None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1",
     "[::1]", "[::ffff:127.0.0.1]", "0", "LOCALHOST"],
)  # fmt: skip
async def test_no_spelling_of_this_machine_is_reached(receiver: Receiver, host: str) -> None:
    async with httpx.AsyncClient(transport=CheckedTransport("a.setting")) as http:
        with pytest.raises(DestinationRefused, match=r"a\.setting may allow its network"):
            await http.post(f"http://{host}:{receiver.port}/hook", content=b"{}")
    assert receiver.asked == 0


async def test_what_was_judged_is_connected_to_and_a_name_is_looked_up_once(
    receiver: Receiver,
) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])  # the name server thinks better of it

    async def resolve(_host: str, _port: int) -> list[str]:
        return next(answers)

    transport = CheckedTransport("a.setting", LOOPBACK, resolve=resolve)
    async with httpx.AsyncClient(transport=transport) as http:
        url = f"http://hook.example:{receiver.port}/hook"
        assert (await http.post(url, content=b"{}")).is_success
        assert receiver.taken[0][0]["Host"] == f"hook.example:{receiver.port}"
        with pytest.raises(DestinationRefused, match=r"hook\.example is at 10\.0\.0\.1"):
            await http.post(url, content=b"{}")
    assert receiver.asked == 1


async def test_one_bad_address_among_good_ones_refuses_the_name(receiver: Receiver) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", "169.254.169.254"]

    transport = CheckedTransport("a.setting", LOOPBACK, resolve=resolve)
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(DestinationRefused, match="link-local"):
            await http.post(f"http://hook.example:{receiver.port}/", content=b"{}")
    assert receiver.asked == 0


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    with socket.socket() as taken:
        taken.bind(("127.0.0.9", 0))  # nobody listens there, on no port
        transport = CheckedTransport("a.setting", LOOPBACK, resolve=resolve)
        async with httpx.AsyncClient(transport=transport) as http:
            answer = await http.post(f"http://hook.example:{receiver.port}/", content=b"{}")
    assert answer.is_success


async def test_the_certificate_is_judged_by_the_name_not_by_the_address(
    receiver: Receiver, tmp_path: Path
) -> None:
    made = made_certificates(tmp_path)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    trusted = ssl.create_default_context(cafile=str(made.ca))
    inner = httpx.AsyncHTTPTransport(verify=trusted, trust_env=False)
    transport = CheckedTransport("a.setting", LOOPBACK, inner=inner, resolve=resolve)
    with tls_in_front(receiver.port, made) as port:
        async with httpx.AsyncClient(transport=transport) as http:
            assert (await http.post(f"https://localhost:{port}/", content=b"{}")).is_success
            with pytest.raises(httpx.ConnectError, match=r"hook\.example"):
                await http.post(f"https://hook.example:{port}/", content=b"{}")
