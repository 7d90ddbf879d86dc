"""Every question has an end: in front of servers that are silent, that stop behind a head, that trickle."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from s3_assets.connection import Transport
from s3_assets.errors import RequestTimeoutError, S3AssetsError, ServerFailureError
from tests.staying.asked import GATEWAY, HASTE, OTHERS, S3, SILENCE, Question
from tests.staying.waiting import Habit, waiting
from tests.support.extent import EVERYTHING

LIMIT = 30.0
"""Seconds that nobody waits for; a busy machine may take some of them."""
# boto3's stream is its caller's, who may take as long as it likes; delta-rs has a rule of its own, below.
TRICKLED = {name: each for name, each in (S3 | OTHERS).items() if name not in {"boto3", "delta-rs"}}
# These have limits of their own; and of the gateway and the engine before it, either may be the first.
NEVER_TRICKLED = ("credentials of a container", "a catalog in PostgreSQL", GATEWAY)
if not EVERYTHING:
    TRICKLED = {
        name: TRICKLED[name] for name in ("a listing by boto3", "obstore", "a REST catalog", "STS", "SQS")
    }


def ended(question: Question, habit: Habit, transport: Transport, content_type: str) -> tuple[str, bool]:
    """Ask, and return what the question ended with, and whether that was in time."""
    with waiting(habit, content_type=content_type) as server:
        begin = time.monotonic()
        try:
            question(server.endpoint, transport)
        except S3AssetsError as error:
            told = type(error).__name__
            if not error.remedy:
                told += " without a remedy"
        else:
            told = "an answer"
        return told, time.monotonic() - begin < LIMIT


def all_ended(
    questions: dict[str, Question],
    habit: Habit,
    transport: Transport = SILENCE,
    content_type: str = "application/xml",
) -> dict[str, tuple[str, bool]]:
    with ThreadPoolExecutor(len(questions)) as pool:
        asked = {
            name: pool.submit(ended, each, habit, transport, content_type) for name, each in questions.items()
        }
        return {name: each.result() for name, each in asked.items()}


@pytest.mark.parametrize("habit", [Habit.SILENT, Habit.HEAD_ALONE], ids=["silent", "a head alone"])
def test_requests_to_s3_end_in_time(habit: Habit) -> None:
    found = all_ended(S3, habit)

    expected = dict.fromkeys(S3, (RequestTimeoutError.__name__, True))
    if habit is Habit.HEAD_ALONE:
        # The gateway has passed the head on: it can only break off.
        expected[GATEWAY] = (ServerFailureError.__name__, True)
    assert found == expected


@pytest.mark.parametrize("habit", [Habit.SILENT, Habit.HEAD_ALONE], ids=["silent", "a head alone"])
def test_requests_to_others_end_in_time(habit: Habit) -> None:
    found = all_ended(OTHERS, habit, content_type="application/json")

    assert {name: told for name, told in found.items() if not told[1]} == {}
    # Nobody is there to give credentials: that is said, and why.
    assert {name: told for name, (told, _) in found.items()} == {
        name: "CredentialsMissingError" if name == "credentials of a container" else "RequestTimeoutError"
        for name in OTHERS
    }


def test_answers_that_trickle_end_in_time() -> None:
    questions = {name: each for name, each in TRICKLED.items() if name not in NEVER_TRICKLED}

    found = all_ended(questions, Habit.TRICKLE, HASTE)

    assert found == dict.fromkeys(questions, (RequestTimeoutError.__name__, True))


def test_delta_rs_limits_whole_requests_by_silence() -> None:
    found = all_ended({"delta-rs": S3["delta-rs"]}, Habit.TRICKLE, Transport(read_timeout=0.5, max_retries=0))

    assert found == {"delta-rs": (RequestTimeoutError.__name__, True)}


def test_a_whole_answer_may_take_an_hour() -> None:
    assert Transport().whole_request == 3600.0
