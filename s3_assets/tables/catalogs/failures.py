"""What a catalog's error means: one error of ours, with place and remedy, and without secrets.

A catalog fails in the words of many: PyIceberg's own exceptions, requests and urllib3 below its REST client,
SQLAlchemy and the driver below it, botocore below Glue, pydantic where an answer or a file is not what it
should be. Mistakes in a program, such as a `TypeError`, pass as they are.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.connection.answers import read_answer, texts
from s3_assets.connection.catalogs import RestCatalogSettings, UnityCatalogSettings
from s3_assets.connection.diagnosis import diagnose
from s3_assets.connection.redaction import redact
from s3_assets.connection.symptoms import symptom_of
from s3_assets.errors import (
    AccessDeniedError,
    AccessError,
    CommitConflictError,
    CredentialsExpiredError,
    DataFileBrokenError,
    MissingError,
    ObjectExistsError,
    RequestTimeoutError,
    S3AssetsError,
    ServerFailureError,
    TableMissingError,
    ThrottledError,
    UnreachableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection

_LONGEST = 600


class _Meaning(NamedTuple):
    error: type[S3AssetsError]
    found: str
    remedy: str


# By the name of PyIceberg's exception; the special before the general, as a class comes before its base.
_OF_PYICEBERG = {
    "NoSuchIcebergTableError": _Meaning(
        UnsupportedError,
        "the catalog's table of that name is no Iceberg table",
        "Give the table its own format.",
    ),
    "NoSuchTableError": _Meaning(
        TableMissingError, "the catalog has no such table", "Check its name, or create it."
    ),
    "NoSuchNamespaceError": _Meaning(
        MissingError, "the catalog has no such database", "Check the table's name, or create the database."
    ),
    "TableAlreadyExistsError": _Meaning(
        ObjectExistsError, "the catalog has a table of that name", "Choose another name."
    ),
    "NamespaceAlreadyExistsError": _Meaning(
        ObjectExistsError, "the catalog has a database of that name", "Use it."
    ),
    "NamespaceNotEmptyError": _Meaning(
        UnsupportedError, "the database has tables", "Drop them, or leave it there."
    ),
    "CommitFailedException": _Meaning(
        CommitConflictError, "somebody else's commit came first", "Run it again."
    ),
    "ValidationException": _Meaning(
        CommitConflictError, "somebody else's commit changed what this one builds on", "Run it again."
    ),
    "CommitStateUnknownException": _Meaning(
        ServerFailureError,
        "the catalog did not say whether the commit took place",
        "Run it again: a commit that took place is found and not made twice.",
    ),
    "OAuthError": _Meaning(
        AccessError, "the catalog's token server gives no token", "Check the catalog's client id and secret."
    ),
    "UnauthorizedError": _Meaning(
        AccessError, "the catalog does not accept the credentials", "Check the token or secret of 'catalog'."
    ),
    "AuthorizationExpiredError": _Meaning(
        CredentialsExpiredError, "the catalog's token has expired", "Give a new one, or use 'oauth2'."
    ),
    "ForbiddenError": _Meaning(
        AccessDeniedError, "the catalog denies access", "Have its owner grant this identity the table."
    ),
    "TooManyRequestsError": _Meaning(ThrottledError, "the catalog asks to slow down", "Run it again later."),
    "ServiceUnavailableError": _Meaning(
        ThrottledError, "the catalog is not available", "Run it again later."
    ),
    "RESTError": _Meaning(
        ServerFailureError, "the catalog failed", "Run it again; if it stays, look at the catalog's log."
    ),
    "NoSuchPropertyException": _Meaning(
        DataFileBrokenError, "the catalog's entry of the table is incomplete", "Register the table anew."
    ),
}
_NOT_FOUND = 404
_NO_CATALOG = _Meaning(
    MissingError, "there is no such catalog", "Check 'uri' and 'warehouse' of the connection's catalog."
)
_DATABASE_REFUSALS = re.compile(
    r"authentication failed|no pg_hba\.conf entry|role \S+ does not exist", re.IGNORECASE
)
_DATABASE_DENIALS = re.compile(r"permission denied|readonly database", re.IGNORECASE)
_NO_DATABASE = re.compile(
    r"unable to open database file|could not translate host|database \S+ does not exist", re.IGNORECASE
)
_DATABASE_SILENT = re.compile(r"timeout expired", re.IGNORECASE)
_DATABASE_BUSY = re.compile(r"database is locked|too many clients|connection slots", re.IGNORECASE)


@contextmanager
def catalog_errors(connection: S3Connection, table_name: str, location: str | None = None) -> Iterator[None]:
    """Turn what a catalog's libraries raise inside into errors of ours.

    `TableMissingError` if the catalog says that there is no such table, and only then. `CommitConflictError`
    if a commit was beaten, `AccessError` if the catalog refuses us, `UnreachableError`, `RequestTimeoutError`
    and `ThrottledError` if it gives no answer, `SettingError` if the connection's `catalog` is wrong.
    """
    import requests
    from botocore.exceptions import BotoCoreError, ClientError
    from pydantic import ValidationError
    from pyiceberg import exceptions as iceberg

    told = tuple(getattr(iceberg, name) for name in _OF_PYICEBERG)
    try:
        yield
    except S3AssetsError as error:
        raise error.at(connection=connection.name, table=table_name, location=location) from error.__cause__
    except told as error:
        meant: S3AssetsError = _of_pyiceberg(error, connection)
    except requests.RequestException as error:
        meant = _of_the_way(error, connection)
    except (BotoCoreError, ClientError) as error:
        meant = diagnose(error, connection, location or connection.url)
    except ValidationError as error:
        meant = DataFileBrokenError(
            f"the catalog's answer or the table's metadata is not what the specification says: "
            f"{_quoted(error, connection)}"
        )
    except NotImplementedError as error:
        meant = UnsupportedError(f"the catalog cannot do this: {_quoted(error, connection)}")
    except Exception as error:
        if not _is_of_sqlalchemy(error):
            raise
        meant = _of_a_database(error, connection)
    else:
        return
    # Not chained: the libraries quote requests, headers and database URLs.
    raise meant.at(connection=connection.name, table=table_name, location=location) from None


def _of_pyiceberg(error: Exception, connection: S3Connection) -> S3AssetsError:
    name = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _OF_PYICEBERG)
    answer = getattr(error.__cause__, "response", None)
    missing = name == "RESTError" and getattr(answer, "status_code", None) == _NOT_FOUND
    meaning = _NO_CATALOG if missing else _OF_PYICEBERG[name]
    return meaning.error(f"{meaning.found} ({_quoted(error, connection)})", remedy=meaning.remedy)


def _of_the_way(error: Exception, connection: S3Connection) -> S3AssetsError:
    """Tell what happened between us and the catalog, in the words that are kept for S3."""
    # requests quotes what urllib3 said, which quotes the reason.
    inner: BaseException = error
    while isinstance(reason := getattr(inner, "reason", None) or (inner.args or (None,))[0], Exception):
        inner = reason
    symptom = symptom_of(read_answer(texts(inner)))
    where = f"asking the catalog{_address(connection)}"
    if symptom is None:
        return UnreachableError(
            f"{where}: {_quoted(error, connection)}", remedy="Check 'uri' of the connection's catalog."
        )
    return symptom.error(f"{where}: {symptom.found}", remedy=symptom.remedy)


def _of_a_database(error: Exception, connection: S3Connection) -> S3AssetsError:
    text = str(getattr(error, "orig", None) or error)
    said = f"the catalog's database failed: {_quoted(text, connection)}"
    if _DATABASE_REFUSALS.search(text):
        return AccessError(said, remedy="Check the user and password in 'uri' of the connection's catalog.")
    if _DATABASE_DENIALS.search(text):
        return AccessDeniedError(said, remedy="Grant its user the catalog's tables.")
    if _DATABASE_BUSY.search(text):
        return ThrottledError(said, remedy="Run it again later.")
    if _DATABASE_SILENT.search(text):
        return RequestTimeoutError(
            said, remedy="Check that the database runs, or raise transport.connect_timeout."
        )
    symptom = symptom_of(read_answer(text))
    if _NO_DATABASE.search(text) or (symptom is not None and issubclass(symptom.error, UnreachableError)):
        return UnreachableError(
            said, remedy="Check 'uri' of the connection's catalog, and that the database runs."
        )
    return ServerFailureError(said, remedy="Run it again; if it stays, look at the database's log.")


def _is_of_sqlalchemy(error: Exception) -> bool:
    return any(kind.__module__.startswith("sqlalchemy.") for kind in type(error).__mro__)


def _address(connection: S3Connection) -> str:
    known = connection.catalog
    return f" at {known.uri}" if isinstance(known, RestCatalogSettings | UnityCatalogSettings) else ""


def _quoted(error: Any, connection: S3Connection) -> str:  # noqa: ANN401 - whatever can be printed
    return redact(" ".join(str(error).split()), connection)[:_LONGEST]
