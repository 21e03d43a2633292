"""Reservations, deadlines and waiting-time targets against a whole running system."""

import pytest

from evenflow.client import ApiProblem, AsyncClient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SLEEP = ("--simulate-seconds", "600", "--gpu", "1")


def test_a_reservation_keeps_others_out_and_its_own_job_starts_in_it(fleet) -> None:
    fleet.run("queue", "create", "vision/train")
    kept = fleet.json(
        "reservation", "create", "nightly", "--queue", "vision", "--start", "8s",
        "--duration", "1h", "--nodes", "4", "--gpu", "1",
    )  # fmt: skip
    assert (kept["status"], kept["tasks"], kept["gpu_request"]) == ("planned", 4, 1)
    long = fleet.json("submit", *SLEEP, "--time-limit", "2h", "--name", "long")["id"]
    short = ("--simulate-seconds", "1", "--time-limit", "2s", "--gpu", "1", "--tasks", "4")
    assert "succeeded" in fleet.run("submit", *short, "--wait").stderr
    fleet.wait_for(lambda: fleet.status(long) == ("queued", "reserved"))
    assert "what reservation 'nightly' keeps for vision" in fleet.run("why", long).stdout
    fleet.wait_for(lambda: fleet.json("reservation", "show", "nightly")["status"] == "active")
    mine = fleet.json(
        "submit", "--queue", "vision/train", "--gpu", "1", "--tasks", "4",
        "--simulate-seconds", "0.5", "--wait",
    )  # fmt: skip
    assert mine["status"] == "succeeded"
    assert fleet.status(long) == ("queued", "reserved"), "in use or not, it is kept"
    assert "nightly" in fleet.run("reservation", "list", "--queue", "vision").stdout
    assert "4 x cpu 1" in fleet.run("reservation", "show", kept["id"][:18]).stdout
    assert "cancelled" in fleet.run("reservation", "cancel", "nightly", "--yes").stdout
    fleet.wait_for(lambda: fleet.status(long)[0] == "running")
    assert "nothing is reserved" in fleet.run("reservation", "list").stdout
    (gone,) = fleet.json("reservation", "list", "--all")
    assert gone["status"] == "cancelled"
    fleet.run("cancel", long)


def test_what_cannot_be_reserved_is_told(fleet) -> None:
    past = fleet.run(
        "reservation", "create", "r", "--queue", "default", "--start", "2020-01-01T08:00",
        "--duration", "4h", "--nodes", "5", "--gpu", "1", check=False,
    )  # fmt: skip
    assert past.exit_code == 1
    assert "must not lie in the past" in past.stderr
    wide = fleet.run(
        "reservation", "create", "r", "--queue", "default", "--start", "now",
        "--duration", "4h", "--nodes", "5", "--gpu", "1", check=False,
    )  # fmt: skip
    assert "all nodes together hold 4 of its 5 tasks" in wide.stderr
    nothing = fleet.run("reservation", "show", "nobody", check=False)
    assert nothing.exit_code == 1
    assert "no reservation 'nobody'" in nothing.stderr
    odd = fleet.run("reservation", "create", "r", "--queue", "a", "--start", "soon", check=False)
    assert "--start" in odd.stderr


async def test_the_async_client_reserves_and_cancels(fleet) -> None:
    fleet.run("queue", "create", "speech/asr")
    async with AsyncClient(fleet.url, token=fleet.token) as client:
        made = await client.create_reservation(
            {"name": "sdk", "queue_id": "speech", "start": 3600, "duration_seconds": 60}
        )
        assert [each["id"] for each in await client.reservations("speech")] == [made["id"]]
        assert (await client.reservation("sdk"))["id"] == made["id"]
        with pytest.raises(ApiProblem) as refused:
            await client.delete_queue("speech")
        assert refused.value.code == "in_use"
        gone = await client.cancel_reservation(made["id"], user="ann")
        assert (gone["status"], gone["cancelled_by"]) == ("cancelled", "ann")


def test_a_deadline_is_shown_with_whether_it_is_met(fleet) -> None:
    wide = fleet.json("submit", *SLEEP, "--tasks", "4", "--time-limit", "1h")["id"]
    mine = fleet.json("submit", *SLEEP, "--time-limit", "1h", "--deadline", "90m")["id"]
    fleet.wait_for(lambda: fleet.json("why", mine)["predicted_start"] is not None)
    fleet.wait_for(lambda: fleet.status(wide)[0] == "running")
    answer = fleet.json("why", mine)
    assert answer["deadline"]["is_met"] is False
    assert "It is planned to miss its deadline" in fleet.run("why", mine).stdout
    assert "deadline" in fleet.run("job", mine).stdout
    fleet.run("cancel", mine, wide)
    past = fleet.run("submit", *SLEEP, "--deadline", "2020-01-01T00:00", check=False)
    assert past.exit_code == 1
    assert "must not have passed already" in past.stderr


def test_a_queue_shows_its_waiting_time_target(fleet) -> None:
    fleet.run("queue", "create", "soon", "--target-wait", "10m", "--policy", "deadline")
    assert "10m" in fleet.run("queue", "show", "soon").stdout
    fleet.run("queue", "set", "soon", "--target-wait", "none")
    assert fleet.json("queue", "show", "soon")["target_wait_seconds"] is None
