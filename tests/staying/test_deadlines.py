"""Every question has an end: in front of servers that are silent, that stop behind a head, that trickle."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from s3_assets.connection import Transport
from s3_assets.errors import RequestTimeoutError, S3AssetsError, ServerFailureError
from tests.staying.asked import GATEWAY, OTHERS, S3, SILENCE, Question, to
from tests.staying.waiting import Habit, waiting
from tests.support.extent import EVERYTHING

LIMIT = 30.0
"""Seconds that nobody waits for; a busy machine may take some of them."""
# Each takes as long as a whole answer may: all of them only where there is time.
TRICKLED = S3 if EVERYTHING else {name: S3[name] for name in ("a listing by boto3", "obstore", "delta-rs")}


def ended(question: Question, habit: Habit, content_type: str) -> tuple[str, bool]:
    """Ask, and return what the question ended with, and whether that was in time."""
    with waiting(habit, content_type=content_type) as server:
        begin = time.monotonic()
        try:
            question(server.endpoint)
        except S3AssetsError as error:
            told = type(error).__name__
            if not error.remedy:
                told += " without a remedy"
        else:
            told = "an answer"
        return told, time.monotonic() - begin < LIMIT


def all_ended(
    questions: dict[str, Question], habit: Habit, content_type: str = "application/xml"
) -> dict[str, tuple[str, bool]]:
    with ThreadPoolExecutor(len(questions)) as pool:
        asked = {name: pool.submit(ended, each, habit, content_type) for name, each in questions.items()}
        return {name: each.result() for name, each in asked.items()}


@pytest.mark.parametrize(
    ("habit", "questions"),
    [(Habit.SILENT, S3), (Habit.HEAD_ALONE, S3), (Habit.TRICKLE, TRICKLED)],
    ids=["silent", "a head alone", "trickles"],
)
def test_requests_to_s3_end_in_time(habit: Habit, questions: dict[str, Question]) -> None:
    found = all_ended(questions, habit)

    expected = dict.fromkeys(questions, (RequestTimeoutError.__name__, True))
    if habit is Habit.HEAD_ALONE:
        # The gateway has passed the head on: it can only break off.
        expected[GATEWAY] = (ServerFailureError.__name__, True)
    assert found == expected


@pytest.mark.parametrize("habit", [Habit.SILENT, Habit.HEAD_ALONE], ids=["silent", "a head alone"])
def test_requests_to_others_end_in_time(habit: Habit) -> None:
    found = all_ended(OTHERS, habit, "application/json")

    assert {name: told for name, told in found.items() if not told[1]} == {}
    # Nobody is there to give credentials: that is said, and why.
    assert {name: told for name, (told, _) in found.items()} == {
        name: "CredentialsMissingError" if name == "credentials of a container" else "RequestTimeoutError"
        for name in OTHERS
    }


def test_a_catalog_that_trickles_ends_in_time() -> None:
    questions = {name: OTHERS[name] for name in ("a REST catalog", "STS", "SQS")}

    found = all_ended(questions, Habit.TRICKLE, "application/json")

    assert {name: in_time for name, (_, in_time) in found.items()} == dict.fromkeys(questions, True)


def test_a_whole_answer_may_take_an_hour() -> None:
    assert Transport().whole_request == 3600.0
    assert to("http://127.0.0.1:1").transport.whole_request == pytest.approx(72 * SILENCE)
