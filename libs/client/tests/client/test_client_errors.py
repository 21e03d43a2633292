"""What the SDK makes of answers and of silence. The answers are made up; `up` tests the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from evenflow.client import (
    ApiProblem,
    AsyncClient,
    Client,
    NoSystem,
    SeveralSystems,
    Unreachable,
    find_system,
)
from evenflow.client.discovery.find import Address
from evenflow.common.domain.errors import InvalidValue, NotFound

ADDRESS = Address("http://evenflow.test")
PROBLEM = {
    "type": "urn:evenflow:problem:invalid_value",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "tasks: 0 must be between 1 and 10000",
    "code": "invalid_value",
    "errors": [{"field": "tasks", "value": 0, "rule": "must be between 1 and 10000"}],
}


def answering(
    *answers: httpx.Response | Exception, seen: list[httpx.Request] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return answer


def client(*answers: httpx.Response | Exception, **more: list[httpx.Request]) -> Client:
    transport = httpx.MockTransport(answering(*answers, **more))
    return Client(address=ADDRESS, transport=transport, sleep=lambda _: None)


def problem(status: int = 422, **headers: str) -> httpx.Response:
    headers["content-type"] = "application/problem+json"
    return httpx.Response(status, json=PROBLEM | {"status": status}, headers=headers)


def test_a_problem_keeps_its_code_and_every_broken_rule() -> None:
    with pytest.raises(ApiProblem) as caught:
        client(problem()).status()
    assert (caught.value.status, caught.value.code) == (422, "invalid_value")
    assert [(rule.field, rule.value) for rule in caught.value.errors] == [("tasks", 0)]
    assert str(caught.value) == PROBLEM["detail"]


async def test_the_async_client_raises_the_same() -> None:
    transport = httpx.MockTransport(answering(problem()))
    async with AsyncClient(address=ADDRESS, transport=transport) as asking:
        with pytest.raises(ApiProblem, match="between 1 and 10000"):
            await asking.status()


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        pytest.param(httpx.ConnectError("[Errno 111] Connection refused"), "nobody listens",
                     id="nobody listens"),
        pytest.param(httpx.ReadTimeout(""), "did not answer in time", id="too slow"),
        pytest.param(httpx.ConnectTimeout(""), "does not take connections", id="a dead host"),
        pytest.param(httpx.Response(200, text="<html>hello</html>"), "something else",
                     id="another program's page"),
        pytest.param(httpx.Response(404, text="nope"), "something else", id="another program"),
    ],
)  # fmt: skip
def test_nobody_there_is_told_with_the_url_and_what_to_do(
    failure: httpx.Response | Exception, told: str
) -> None:
    with pytest.raises(Unreachable, match=told) as caught:
        client(failure).status()
    assert "http://evenflow.test" in str(caught.value)
    assert "evenflow up" in str(caught.value)


def test_reads_carry_the_newest_sequence_that_was_written() -> None:
    seen: list[httpx.Request] = []
    written = httpx.Response(201, json={"path": "a"}, headers={"X-Evenflow-Sequence": "41"})
    asking = client(written, httpx.Response(200, json={}), seen=seen)
    asking.create_queue("a")
    asking.status()
    assert "X-Evenflow-Sequence" not in seen[0].headers
    assert seen[1].headers["X-Evenflow-Sequence"] == "41"


def test_a_submission_with_a_key_is_repeated_when_its_answer_was_lost() -> None:
    seen: list[httpx.Request] = []
    done = httpx.Response(201, json={"id": "1"})
    asking = client(httpx.RemoteProtocolError("closed"), problem(503, **{"retry-after": "0"}), done,
                    seen=seen)  # fmt: skip
    assert asking.submit({"name": "a"}, idempotency_key="k")["id"] == "1"
    assert [request.headers["Idempotency-Key"] for request in seen] == ["k", "k", "k"]


def test_a_write_without_a_key_is_never_sent_twice() -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(ApiProblem):
        client(problem(503, **{"retry-after": "0"}), seen=seen).submit({"name": "a"})
    assert len(seen) == 1


def test_a_queue_of_several_levels_is_one_part_of_the_path() -> None:
    seen: list[httpx.Request] = []
    client(httpx.Response(200, json={}), seen=seen).queue("vision/train")
    assert seen[0].url.raw_path == b"/api/v1/queues/vision%2Ftrain"


def test_the_beginning_of_an_id_must_mean_one_job() -> None:
    page = {"jobs": [{"id": "01ab-1"}, {"id": "01ab-2"}], "total": 2, "page": 1, "page_size": 100}
    with pytest.raises(Exception, match="begins the ids of 2 jobs"):
        client(httpx.Response(200, json=page)).job("01ab")
    with pytest.raises(NotFound):
        client(httpx.Response(200, json=page | {"jobs": []})).job("zz")


@dataclass(frozen=True)
class System:
    name: str
    url: str
    data_dir: str
    token_file: str


def test_the_one_running_system_is_found_with_its_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    one = System("one", "http://127.0.0.1:1", "/one", str(token))
    two = System("two", "http://127.0.0.1:2", "/two", "/nowhere")
    assert find_system(environ={}, running=[one]) == Address(one.url, "secret")
    assert find_system("127.0.0.1:1/", environ={}, running=[one, two]) == Address(one.url, "secret")
    assert find_system(environ={"EVENFLOW_URL": two.url}, running=[one]) == Address(two.url)
    with pytest.raises(NoSystem):
        find_system(environ={}, running=[])
    with pytest.raises(SeveralSystems, match="/two"):
        find_system(environ={}, running=[one, two])


def test_a_token_goes_to_no_other_system(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    one = System("one", "http://127.0.0.1:1", "/one", str(token))
    assert find_system("http://elsewhere:1", environ={}, running=[one]).token is None


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x:port", "http://x:99999"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="must be a URL"):
        find_system(url, environ={}, running=[])


def test_a_socket_is_an_address_that_needs_no_token() -> None:
    address = find_system("unix:///run/evenflow/gateway.sock", environ={}, running=[])
    assert (address.socket, address.token) == ("/run/evenflow/gateway.sock", None)
    assert address.base_url == "http://localhost"
    assert Address("http://h").socket is None
    with pytest.raises(InvalidValue, match="absolute path"):
        find_system("unix://run/gateway.sock", environ={}, running=[])
    where = Address("unix:///nowhere/gateway.sock")
    with Client(address=where) as client, pytest.raises(Unreachable, match="unix:///nowhere"):
        client.status()
