"""What a catalog's error means: one error of ours, with place and remedy, without secrets."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3_assets.connection.diagnosis import redact
from s3_assets.errors import (
    CommitConflictError,
    ObjectExistsError,
    S3AssetsError,
    ServerFailureError,
    TableMissingError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection


@contextmanager
def catalog_errors(connection: S3Connection, table_name: str, location: str | None = None) -> Iterator[None]:
    """Turn every error of a catalog, raised inside, into ours."""
    from pyiceberg import exceptions

    try:
        yield
    except S3AssetsError as error:
        raise error.at(connection=connection.name, table=table_name, location=location) from error.__cause__
    except (exceptions.NoSuchTableError, exceptions.NoSuchNamespaceError) as error:
        raised: S3AssetsError = TableMissingError(redact(str(error), connection))
    except exceptions.CommitFailedException as error:
        raised = CommitConflictError(redact(str(error), connection))
    except exceptions.TableAlreadyExistsError as error:
        raised = ObjectExistsError(redact(str(error), connection))
    except Exception as error:  # noqa: BLE001 - every library behind a catalog has errors of its own
        raised = ServerFailureError(
            f"the catalog failed: {redact(f'{type(error).__name__}: {error}', connection)}"
        )
    raise raised.at(connection=connection.name, table=table_name, location=location)
