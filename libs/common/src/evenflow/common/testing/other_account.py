"""Ask over a Unix socket as another account of this machine, as tests that run as root may."""

import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from evenflow.common.adapters.accounts import Account, account_named, groups_of


def known_account(name: str) -> Account:
    """Return an account that every machine has; raises LookupError when this one has not."""
    account = account_named(name)
    if account is None:
        raise LookupError(name)
    return account


def ask_as(
    account: Account,
    path: str,
    method: str,
    target: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Return status and JSON of one HTTP request over a socket; blocks, and needs root.

    A forked child changes its account and connects: what the kernel says of it is true.
    """
    groups = groups_of(account)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        status = 1
        try:
            os.setgroups(groups)
            os.setresgid(account.gid, account.gid, account.gid)
            os.setresuid(account.uid, account.uid, account.uid)
            answer = _ask(path, _request(method, target, body, headers or {}))
            with os.fdopen(write_end, "wb") as pipe:
                pipe.write(answer)
            status = 0
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    _, ended = os.waitpid(child, 0)
    if ended:
        raise OSError(f"{account.name} could not ask at {path}")
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(text) if text[:1] in b'{[n"' else text.decode()


def _request(method: str, target: str, body: object, headers: Mapping[str, str]) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join((*lines, "", "")).encode() + data


def _ask(path: str, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(path)
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))
