"""Probes of who asks: secrets that are kept elsewhere, the first identity, and each role on top of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from s3_assets.connection.auth import WebIdentityAuth
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.secret_stores import SecretsManagerSecret
from s3_assets.errors import S3AssetsError
from s3_assets.permissions.findings import Finding, Verdict, refused, untested
from s3_assets.permissions.identities import is_public, kept_secrets, steps_of
from s3_assets.permissions.policies import ASSUME, READ_PARAMETER, READ_SECRET, SET_SOURCE
from s3_assets.permissions.trust import WEB_IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.permissions.identities import Step
    from s3_assets.permissions.requests import Requests
    from s3_assets.permissions.service import Service

CREDENTIALS, IDENTITY = "credentials", "sts:GetCallerIdentity"


def secret_probes(connection: S3Connection) -> Iterator[Finding]:
    """Read each secret that AWS keeps, and forget it."""
    for secret in kept_secrets(connection):
        action = READ_SECRET if isinstance(secret, SecretsManagerSecret) else READ_PARAMETER
        try:
            secret.read()
        except S3AssetsError as error:
            # The stores' errors are of one kind; what they say names the action.
            missing = "may not be read" in error.found
            verdict = Verdict.MISSING if missing else Verdict.FAILED
            yield Finding(verdict, action, secret.name, error.found, error.remedy)
        else:
            yield Finding(Verdict.OK, action, secret.name)


def role_probes(connection: S3Connection, requests: Requests) -> Iterator[Finding]:
    """Take on one identity after the other, up to the first that is refused."""
    if is_public(connection):
        return
    steps = steps_of(connection)
    web = isinstance(connection.auth, WebIdentityAuth)
    actions = [WEB_IDENTITY if web else CREDENTIALS, *[ASSUME] * len(connection.assume_role)]
    why = ""
    for depth, (step, action) in enumerate(zip(steps, actions, strict=True)):
        found = untested(action, step.holder, why) if why else _took_on(connection, depth, step, action)
        yield found
        if found.verdict is not Verdict.OK and not why:
            why = f"{step.holder} could not be taken on"
            requests.give_up("there are no credentials")
        if depth and step.source_identity:
            yield untested(SET_SOURCE, step.holder, why) if why else replace(found, action=SET_SOURCE)


def _took_on(connection: S3Connection, depth: int, step: Step, action: str) -> Finding:
    part = connection.model_copy(update={"assume_role": connection.assume_role[:depth]})
    try:
        credential_source(part).current()
    except S3AssetsError as error:
        return refused(action, step.holder, error)
    return Finding(Verdict.OK, action, step.holder)


def caller_probe(connection: S3Connection, service: Service, requests: Requests) -> Finding | None:
    """Ask whose the credentials are, where there is a service to ask; nobody needs a permission for it."""
    if is_public(connection):
        return None
    if not service.amazon and connection.service_endpoints.sts is None:
        return untested(IDENTITY, "*", "the endpoint is not AWS's, and service_endpoints.sts is not set")
    finding, answer = requests.send(IDENTITY, "*", "get_caller_identity", service="sts")
    if answer is None:
        return untested(IDENTITY, "*", finding.told)
    return Finding(Verdict.OK, IDENTITY, str(answer["Arn"]))
