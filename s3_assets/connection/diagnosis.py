"""What an engine's error means: one typed error of ours, with place and remedy.

What there is to know of errors is imported when there is one: every request of every engine is made in here.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from s3_assets.connection.credentials import credential_source
from s3_assets.errors import AccessDeniedError, S3AssetsError, ServerFailureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.connection.symptom import Symptom

_LONGEST = 600
_OBJECT = re.compile(r"s3://[^\s()'\"]+")
# obstore says everything twice: the second time as Rust prints it for debugging.
_DEBUG = r"(?s)\s*Debug source:\n.*?\n\}"


def diagnose(
    error: BaseException, connection: S3Connection, location: str, *, operation: str | None = None
) -> S3AssetsError:
    """Return the typed error that an engine's error means; `location` is the bucket, key or table's URL.

    `operation` is S3's name of the request, where the engine's text cannot tell it (a copy is a PUT).
    """
    if isinstance(error, S3AssetsError):
        return error.at(connection=connection.name, location=location)
    from s3_assets.connection.actions import find_denial
    from s3_assets.connection.answers import read_answer, texts
    from s3_assets.connection.redaction import redact
    from s3_assets.connection.refinements import refined
    from s3_assets.connection.symptoms import DENIALS, DENIED, symptom_of

    text = texts(error)
    answer = read_answer(text)
    if operation is not None:
        answer = answer._replace(operation=operation)
    symptom = symptom_of(answer)
    failure = _credential_failure(connection, symptom)
    if failure is not None:
        return failure.at(connection=connection.name, location=location)
    if symptom is None:
        return ServerFailureError(
            f"a request failed: {redact(re.sub(_DEBUG, '', text), connection)[:_LONGEST]}",
            remedy="Run it again; if it stays, look at the server's log.",
            connection=connection.name,
            location=location,
        )
    meant = refined(symptom, answer, connection)
    denial = find_denial(answer, connection, location) if symptom in DENIALS else None
    if denial is None or meant.error is not AccessDeniedError:
        return meant.error(meant.found, remedy=meant.remedy, connection=connection.name, location=location)
    general = "" if meant.remedy == DENIED.remedy else f"{meant.remedy} "
    return meant.error(
        f"{meant.found}: {denial.found}",
        remedy=f"{general}{denial.remedy(connection)}",
        connection=connection.name,
        location=location,
        action=denial.missing.action,
        resource=denial.missing.resource,
    )


def _credential_failure(connection: S3Connection, symptom: Symptom | None) -> S3AssetsError | None:
    """Return why there are no credentials: the engine was given an error, and tells little of it."""
    from s3_assets.connection.redaction import redact
    from s3_assets.connection.symptoms import NO_CREDENTIALS

    source = credential_source(connection)
    if symptom is NO_CREDENTIALS and source.failure is None:
        # Another process was asked; this one finds the same.
        with suppress(S3AssetsError):
            source.current()
    if source.failure is not None:
        # It quotes botocore, and that what was sent.
        source.failure.found = redact(source.failure.found, connection)
    return source.failure


def find_symptom(text: str) -> Symptom | None:
    """Return what an error's text tells: by S3's code, else by the HTTP status, else by the words around."""
    from s3_assets.connection.answers import read_answer
    from s3_assets.connection.symptoms import symptom_of

    return symptom_of(read_answer(text))


@contextmanager
def diagnosed(connection: S3Connection, location: str, *engine_errors: type[BaseException]) -> Iterator[None]:
    """Turn the named errors of an engine, raised inside, into ours."""
    try:
        yield
    except engine_errors as error:
        # Not chained: the engine's text may quote signed headers, and Dagster shows the whole chain.
        raise diagnose(error, connection, location) from None


@contextmanager
def diagnosed_rows(connection: S3Connection, location: str) -> Iterator[None]:
    """Turn errors of S3 into ours that come while a frame is run: it may read many objects, and write some.

    Polars' own words tell which of them it was; `location` is for errors that name none.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, S3AssetsError):
            raise
        named = _OBJECT.search(str(error))
        # Not chained: the engine's text may quote signed headers.
        raise diagnose(error, connection, named[0] if named else location) from None
