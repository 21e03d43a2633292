"""Why a job waits: what the engine says, and what is left when none answers."""

from typing import Any

import pytest

from evenflow.common.contracts.explanation import (
    BecauseAnswer,
    ExplainAnswer,
    ExplanationAnswer,
    JobAheadAnswer,
    LevelAnswer,
    PredictionAnswer,
    QueueAheadAnswer,
    ReasonAnswer,
    ShortAnswer,
    explain_subject,
)
from evenflow.gateway.why.rules.explanation import because_in_words, short_in_words, start_in_words

JOBS = "/api/v1/jobs"
SUBJECT = explain_subject("main")
MONDAY = 1_700_438_400_000_000  # 2023-11-20


def an_answer(job_id: str, **fields: Any) -> bytes:
    given: dict[str, Any] = {
        "job_id": job_id,
        "as_of": 9,
        "policy": "fairshare",
        "reason": ReasonAnswer(code="capacity", detail={"tasks": 1, "gpu": 4000}),
        "place": 2,
        "ahead": 1,
        "first": (
            JobAheadAnswer(
                id="other", name="sweep", user="bob", priority=3, position=7,
                because=BecauseAnswer(basis="its user has used less", theirs=0.125, mine=0.5),
            ),
        ),
        "levels": (
            LevelAnswer(
                path="default", fair_share={"gpu": 4000}, held={"gpu": 2000},
                request={"gpu": 9000}, usage_ratio=0.25,
                saturation_before=0.5, saturation_after=None,
                ahead=QueueAheadAnswer(
                    path="vision", because=BecauseAnswer(basis="higher priority", theirs=2, mine=1)
                ),
            ),
        ),
        "short": ShortAnswer(resource="gpu", wanted=4000, free=3000, per_task=4000, largest=2000),
        "prediction": PredictionAnswer(at=MONDAY, basis="ends of running jobs by estimate"),
    }  # fmt: skip
    explanation = ExplanationAnswer.model_validate(given | fields)
    return ExplainAnswer(explanation=explanation).model_dump_json().encode()


async def test_what_the_engine_says_is_told_in_numbers_and_words(harness: Any) -> None:
    await harness.nodes(count=1)
    job_id = await harness.submit()
    harness.answers[SUBJECT] = an_answer(job_id)
    why = await harness.get(f"{JOBS}/{job_id}/why")
    assert why["authoritative"] is True
    assert (why["code"], why["position"], why["ahead"]) == ("capacity", 2, 1)
    assert why["first"] == [
        {
            "id": "other",
            "name": "sweep",
            "user_id": "bob",
            "priority": 3,
            "queue_position": 7,
            "because": "its user has used less: 12.5 % against 50 %",
        }
    ]
    assert why["levels"] == [
        {
            "queue": "default",
            "fair_share": {"gpu": 4000},
            "held": {"gpu": 2000},
            "request": {"gpu": 9000},
            "usage_ratio": 0.25,
            "saturation_before": 0.5,
            "saturation_after": None,
            "ahead": {"queue": "vision", "because": "higher priority: 2 against 1"},
        }
    ]
    assert why["short"] == {
        "resource": "gpu",
        "wanted": 4000,
        "free": 3000,
        "largest_free_on_a_node": 2000,
    }
    assert why["predicted_start"] == {
        "at": "2023-11-20T00:00:00.000000Z",
        "basis": "ends of running jobs by estimate",
    }
    assert why["not_predicted"] is None
    assert why["text"] == (
        "it waits in default/default: not enough is free now: it wants 4 gpu; "
        "the first is sweep of bob (its user has used less: 12.5 % against 50 %); "
        "gpu is short: it wants 4, free are 3 in all and at most 2 on one node. "
        "It may start at 2023-11-20 00:00 UTC at the earliest "
        "(basis: ends of running jobs by estimate)."
    )


async def test_what_nobody_can_predict_is_said_with_its_reason(harness: Any) -> None:
    job_id = await harness.submit()
    unknown = PredictionAnswer(unknown="its queue is disabled")
    harness.answers[SUBJECT] = an_answer(job_id, prediction=unknown, first=(), short=None)
    why = await harness.get(f"{JOBS}/{job_id}/why")
    assert (why["predicted_start"], why["not_predicted"]) == (None, "its queue is disabled")
    assert why["text"].endswith("Nobody can say when it starts: its queue is disabled.")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(None, id="silence"),
        pytest.param(b"\x00garbage", id="garbage"),
        pytest.param(
            ExplainAnswer(is_leader=False, error="no", code="unavailable")
            .model_dump_json()
            .encode(),
            id="an engine that does not lead",
        ),
        pytest.param(
            ExplainAnswer(error="job is not known", code="not_found").model_dump_json().encode(),
            id="an engine that does not know the job yet",
        ),
    ],
)
async def test_without_an_engine_the_view_tells_what_it_knows_and_says_so(
    harness: Any, reply: bytes | None
) -> None:
    if reply is not None:
        harness.answers[SUBJECT] = reply
    first, second = [await harness.submit(name=name) for name in ("first", "second")]
    why = await harness.get(f"{JOBS}/{second}/why")
    assert why["authoritative"] is False
    assert (why["position"], why["first"][0]["id"]) == (2, first)
    assert why["first"][0]["because"] == "submitted earlier: place 1 against place 2"
    assert (why["levels"], why["short"], why["predicted_start"]) == ([], None, None)


async def test_the_view_knows_priority_too(harness: Any) -> None:
    put = await harness.client.patch("/api/v1/queues/default/default", json={"policy": "priority"})
    assert put.status_code == 200, put.text
    low, high = [await harness.submit(priority=priority) for priority in (1, 9)]
    why = await harness.get(f"{JOBS}/{low}/why")
    assert [each["id"] for each in why["first"]] == [high]
    assert why["first"][0]["because"] == "higher priority: 9 against 1"


async def test_of_a_job_that_has_ended_nobody_is_asked(harness: Any) -> None:
    job_id = await harness.submit()
    await harness.client.post(f"{JOBS}/{job_id}/cancel", json={})
    harness.answers[SUBJECT] = an_answer(job_id)
    why = await harness.get(f"{JOBS}/{job_id}/why")
    assert (why["status"], why["authoritative"], why["levels"]) == ("cancelled", True, [])


@pytest.mark.parametrize(
    ("basis", "theirs", "mine", "told"),
    [
        ("submitted earlier", 1, 4, "submitted earlier: place 1 against place 4"),
        ("higher priority", 9, 2, "higher priority: 9 against 2"),
        ("shorter", 5e6, 90e6, "shorter: 5s against 1m30s"),
        ("shorter", 7.2e9, None, "shorter: 2h00m against unknown"),
        ("its user holds less", 0, 0.75, "its user holds less: 0 % against 75 %"),
        (
            "holds less of its fair share", 0.5, None,
            "holds less of its fair share: 50 % against no share",
        ),
        ("older", 1, 2, "older"),
        ("its policy puts it first", None, None, "its policy puts it first"),
        ("of another version", 1, 2, "of another version"),
    ],
)  # fmt: skip
def test_each_basis_in_words(basis: str, theirs: Any, mine: Any, told: str) -> None:
    assert because_in_words(basis, theirs, mine) == told


def test_what_a_limit_leaves_names_no_node_and_what_one_task_wants_is_told() -> None:
    assert short_in_words("cpu", 2000, 500, None, None) == "cpu is short: it wants 2, free are 0.5"
    assert short_in_words("gpu", 8000, 9000, 4000, 3000) == (
        "gpu is short: it wants 8, free are 9 in all and at most 3 on one node, "
        "where one task wants 4"
    )


def test_now_is_said_without_a_time() -> None:
    assert start_in_words(MONDAY, "now") == "Nothing holds it up: the next cycle may start it."


@pytest.mark.parametrize(
    ("deadline_us", "is_met", "words"),
    [
        pytest.param(MONDAY + 3_600_000_000, True, "It is planned to meet its deadline", id="met"),
        pytest.param(MONDAY, False, "It is planned to miss its deadline", id="missed"),
    ],
)
async def test_a_deadline_is_held_against_the_predicted_start(
    harness: Any, *, deadline_us: int, is_met: bool, words: str
) -> None:
    await harness.nodes(count=1)
    now = harness.gateway.now()
    fields = {"deadline": (deadline_us - now) / 1e6, "time_limit_seconds": 600}
    job_id = await harness.submit(**fields)
    harness.answers[SUBJECT] = an_answer(job_id)
    answer = await harness.get(f"{JOBS}/{job_id}/why")
    assert answer["deadline"]["is_met"] is is_met
    assert answer["deadline"]["planned_end"].startswith("2023-11-20T00:10")
    assert words in answer["text"]


async def test_without_a_prediction_nobody_can_say_whether_a_deadline_is_met(harness: Any) -> None:
    await harness.nodes(count=1)
    job_id = await harness.submit(deadline=3600)
    answer = await harness.get(f"{JOBS}/{job_id}/why")
    assert answer["deadline"]["is_met"] is None
    assert "whether it meets that nobody can say" in answer["text"]
    other = await harness.get(f"{JOBS}/{await harness.submit()}/why")
    assert other["deadline"] is None
