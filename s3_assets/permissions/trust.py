"""Who may assume the roles of a connection: the trust policy of each one."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from s3_assets.connection.auth import WebIdentityAuth
from s3_assets.connection.secrets import SecretReference
from s3_assets.errors import SettingError
from s3_assets.permissions.documents import Document, Kind, Statement
from s3_assets.permissions.identities import steps_of
from s3_assets.permissions.policies import ASSUME, SET_SOURCE

if TYPE_CHECKING:
    from s3_assets.connection.secrets import Secret
    from s3_assets.connection.settings import S3Connection
    from s3_assets.permissions.identities import Step

WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
# IAM User Guide, "IAM identifiers"; an account may stand there as its number alone.
_PRINCIPAL = re.compile(r"^(?:\d{12}|arn:[^:]+:(?:iam|sts)::\d*:.+)$")
_PROVIDER = re.compile(r"^arn:[^:]+:iam::\d{12}:oidc-provider/(?P<issuer>.+)$")
_AUDIENCE = "sts.amazonaws.com"
# Whatever stands here matches nobody, until it is replaced.
_NO_SUBJECT = "<subject, such as system:serviceaccount:NAMESPACE:NAME>"


def trust_policies(
    connection: S3Connection, principal: str | None = None, *, subject: str | None = None
) -> list[Document]:
    """Return the trust policy of each role that the connection takes on, in their order.

    `principal` is who assumes the first one: the ARN of a user, a role or an account, and for a web identity
    that of the OpenID Connect provider, with the `subject` of its tokens. Raises `SettingError`.
    """
    documents = []
    if isinstance(connection.auth, WebIdentityAuth):
        documents.append(_web_identity(connection, connection.auth, principal, subject))
    for before, after in pairwise(steps_of(connection)):
        who = before.holder if before.holder.startswith("arn:") else _given(connection, principal)
        documents.append(_assumed(connection, who, after))
    return documents


def _web_identity(
    connection: S3Connection, auth: WebIdentityAuth, principal: str | None, subject: str | None
) -> Document:
    found = _PROVIDER.match(principal or "")
    if found is None or principal is None:
        raise SettingError(
            f"the role {auth.role_arn} is assumed with a token, and --principal does not name who issues it",
            remedy="Give the ARN of the provider: arn:aws:iam::ACCOUNT:oidc-provider/ISSUER.",
            connection=connection.name,
        )
    issuer = found["issuer"]
    condition = {"StringEquals": {f"{issuer}:aud": _AUDIENCE, f"{issuer}:sub": subject or _NO_SUBJECT}}
    statement = Statement("AssumeWithToken", (WEB_IDENTITY,), (), condition, {"Federated": principal})
    notes = (
        () if subject else ("Replace the subject by that of your tokens: until then nobody may assume it.",)
    )
    return Document(connection.name, Kind.TRUST, auth.role_arn, (statement,), notes)


def _assumed(connection: S3Connection, principal: str, step: Step) -> Document:
    role = step.role
    external_id = role.external_id if role else None
    who = {"AWS": principal}
    limits: dict[str, str] = {}
    if external_id is not None:
        limits["sts:ExternalId"] = _shown(external_id)
    identity = {"sts:SourceIdentity": step.source_identity} if step.source_identity else {}
    equal = {"StringEquals": {**limits, **identity}} if limits or identity else {}
    statements = [Statement("AssumeRole", (ASSUME,), (), equal, who)]
    if identity:
        statements.append(Statement("SetSourceIdentity", (SET_SOURCE,), (), {"StringEquals": identity}, who))
    notes: tuple[str, ...] = ()
    if isinstance(external_id, SecretReference):
        notes = ("Replace the external id by the secret's value: it is not read here.",)
    return Document(connection.name, Kind.TRUST, step.holder, tuple(statements), notes)


def _given(connection: S3Connection, principal: str | None) -> str:
    if principal is None:
        raise SettingError(
            f"who assumes the role {connection.assume_role[0].role_arn} is not known here",
            remedy="Name it: --principal with the ARN of the user, role or account; "
            f"`s3-assets check {connection.name}` shows that of the credentials in force.",
            connection=connection.name,
        )
    if not _PRINCIPAL.match(principal):
        raise SettingError(
            f"'{principal}' is not a principal",
            remedy="Write an ARN such as arn:aws:iam::111122223333:user/name, or the account's 12 digits.",
            connection=connection.name,
        )
    return principal


def _shown(external_id: Secret) -> str:
    if isinstance(external_id, str):
        return external_id
    kept = external_id.secrets_manager or external_id.ssm
    where = external_id.env or (kept.name if kept else external_id.file)
    return f"<external id: the value of {where}>"
