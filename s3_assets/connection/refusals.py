"""Why botocore got no credentials: STS refused, nobody answered, or the way led nowhere."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from s3_assets.connection.sessions import missing
from s3_assets.errors import (
    AccessDeniedError,
    CredentialsExpiredError,
    CredentialsMissingError,
    KeyUnknownError,
    RequestTimeoutError,
    S3AssetsError,
    SignatureMismatchError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

    from s3_assets.connection.settings import S3Connection

# AWS STS API Reference, "Common Error Types" and the errors of AssumeRole and AssumeRoleWithWebIdentity.
_KINDS: dict[str, tuple[type[S3AssetsError], str]] = {
    "AccessDenied": (
        AccessDeniedError,
        "Allow {action} on {role}; its trust policy must name this identity ('s3-assets policy --trust').",
    ),
    "InvalidClientTokenId": (KeyUnknownError, "Check the access key that the role is assumed with."),
    "UnrecognizedClientException": (KeyUnknownError, "Check the access key that the role is assumed with."),
    "InvalidAccessKeyId": (KeyUnknownError, "Check the access key that the role is assumed with."),
    "SignatureDoesNotMatch": (
        SignatureMismatchError,
        "Check the secret of the access key that the role is assumed with, and this machine's clock.",
    ),
    "ExpiredToken": (CredentialsExpiredError, "Sign in again: the credentials before the role have expired."),
    "ExpiredTokenException": (
        CredentialsExpiredError,
        "Have the identity provider write a new web identity token.",
    ),
    "InvalidIdentityToken": (
        CredentialsMissingError,
        "Check the web identity token, its audience, and the role's trust in the identity provider.",
    ),
    "IDPRejectedClaim": (CredentialsMissingError, "Check the claims of the web identity token."),
    "RegionDisabledException": (
        CredentialsMissingError,
        "Activate STS in the connection's region, or set another.",
    ),
    "ValidationError": (CredentialsMissingError, "Check role_arn, duration_seconds and external_id."),
}
_ANY = (CredentialsMissingError, "Check the role, and service_endpoints.sts for a server that is not AWS's.")


@contextmanager
def refusals_of_botocore(connection: S3Connection, role: str = "the profile's role") -> Iterator[None]:
    """Turn what botocore raises on its way to credentials, or to this role, into errors of ours."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        HTTPClientError,
        ReadTimeoutError,
        SSOError,
        SSOTokenLoadError,
    )
    from botocore.exceptions import ConnectionError as ConnectionFailedError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        # Not chained: the answer may quote what was sent.
        raise _refused(error, connection, role) from None
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise RequestTimeoutError(
            f"no credentials, since their server did not answer in time: {error}",
            remedy="Check the network, or raise transport.connect_timeout and transport.read_timeout.",
            connection=connection.name,
        ) from error
    except (HTTPClientError, ConnectionFailedError) as error:
        raise UnreachableError(
            f"no credentials, since their server cannot be reached: {error}",
            remedy="Check service_endpoints.sts, the connection's region, proxy and tls.",
            connection=connection.name,
        ) from error
    except (SSOError, SSOTokenLoadError) as error:
        raise CredentialsExpiredError(
            f"nobody is signed on: {error}",
            remedy="Run 'aws sso login' for the profile and start again.",
            connection=connection.name,
        ) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise missing(
            connection,
            f"the way to credentials failed: {error}",
            remedy="Check the connection's auth and assume_role, and the files that they name.",
        ) from error
    except RuntimeError as error:
        # What botocore raises when a provider hands out credentials that have expired already.
        raise CredentialsExpiredError(
            f"no good credentials: {error}",
            remedy="Check their provider, and this machine's clock.",
            connection=connection.name,
        ) from error


def _refused(error: ClientError, connection: S3Connection, role: str) -> S3AssetsError:
    code = error.response.get("Error", {}).get("Code", "")
    if not code and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == HTTPStatus.FORBIDDEN:
        # Ceph's STS answers in a form that botocore finds no code in.
        code = "AccessDenied"
    action = f"sts:{error.operation_name}"
    kind, remedy = _KINDS.get(code, _ANY)
    return kind(
        f"{action} was refused for {role} ({code or 'no code'})",
        remedy=remedy.format(action=action, role=role),
        connection=connection.name,
        action=action,
        resource=role,
    )
