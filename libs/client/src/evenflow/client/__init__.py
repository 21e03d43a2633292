"""The Python SDK of Evenflow: `Client`, `AsyncClient`, and what they raise and return.

from evenflow.client import Client

with Client() as evenflow:  # the running `evenflow up`, or EVENFLOW_URL
    job = evenflow.submit({"name": "train", "executor_config": {"command": ["python", "train.py"]}})
    print(evenflow.wait(job["id"])["exit_code"])

Rooms, top to bottom: the clients, `methods`, `transport`, `requests`, `discovery`, `models`.
Names are loaded when they are asked for. Of the product only the shared library is imported.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenflow.client.asynchronous import AsyncClient
    from evenflow.client.discovery.find import find_system
    from evenflow.client.errors import ApiProblem, NoSystem, SeveralSystems, Unreachable
    from evenflow.client.sync import Client

__all__ = [
    "ApiProblem",
    "AsyncClient",
    "Client",
    "NoSystem",
    "SeveralSystems",
    "Unreachable",
    "find_system",
]

_HOMES = {
    "ApiProblem": "errors",
    "AsyncClient": "asynchronous",
    "Client": "sync",
    "NoSystem": "errors",
    "SeveralSystems": "errors",
    "Unreachable": "errors",
    "find_system": "discovery.find",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: the HTTP library costs time that `--help` need not pay."""
    from importlib import import_module  # noqa: PLC0415 - only here

    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"evenflow.client.{_HOMES[name]}"), name)
