"""The least that each identity of a connection must be allowed, as IAM policies."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from s3_assets.connection.secret_stores import SecretsManagerSecret
from s3_assets.permissions import storage
from s3_assets.permissions.catalogs import catalog_statements
from s3_assets.permissions.documents import Document, Kind, Statement
from s3_assets.permissions.folders import folders_of
from s3_assets.permissions.identities import is_public, kept_secrets, reader_of, steps_of
from s3_assets.permissions.queues import RECEIVE, queue_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from s3_assets.connection.secret_stores import ParameterSecret
    from s3_assets.connection.settings import S3Connection
    from s3_assets.permissions.folders import Folder
    from s3_assets.permissions.identities import Step
    from s3_assets.permissions.service import Service
    from s3_assets.registry.models import Registry

ASSUME, SET_SOURCE = "sts:AssumeRole", "sts:SetSourceIdentity"
READ_SECRET, READ_PARAMETER = "secretsmanager:GetSecretValue", "ssm:GetParameter"
_OWN_KEY = "Secrets that a KMS key of your own protects also need kms:Decrypt on that key."
_QUEUE_KEY = "A queue that a KMS key of your own protects also needs kms:Decrypt on that key."
_LISTS_NAMES = (
    "This server may forget the prefix when it looks for a key that is not there: so listing without one is "
    "allowed, too, which tells the names of other objects; none of them can be read or written."
)
_NO_KMS = "The rights to the key are this server's own: it knows no actions of AWS KMS."
_TOO_LONG = "It is longer than one managed policy may be (6,144 characters): split it between tables."
_PUBLIC = "Nobody signs these requests: the bucket's owner allows them, to everybody."


def policies(
    registry: Registry,
    connection: str,
    service: Service,
    *,
    written: Collection[str] = (),
    sizes: bool = False,
) -> list[Document]:
    """Return one policy for each identity on the way: the first one, each role, and who reads secrets.

    `written` names the tables that the user's own assets write; imports' targets are known. With `sizes`, the
    sizes of whole buckets may be asked for, too.
    """
    here = registry.connections[connection]
    folders = folders_of(registry, connection, written)
    held: dict[str, list[Statement]] = {}
    steps = steps_of(here)
    for before, after in pairwise(steps):
        held.setdefault(before.holder, []).append(_assume(after))
    last = steps[-1].holder
    held.setdefault(last, []).extend(_storage(here, folders, service))
    held[last].extend(catalog_statements(registry, connection, service, written))
    held[last].extend(queue_statements(registry, connection, service))
    if sizes and not is_public(here):
        metrics = here.service_endpoints.cloudwatch is not None
        held[last].extend(storage.size_statements(service, metrics=metrics))
    # What an import needs, such as the salt of its digests, is read where its target is written.
    imports = [
        each for each in registry.imports.values() if registry.tables[each.target].connection == connection
    ]
    for secret in kept_secrets(here, *imports):
        held.setdefault(reader_of(secret), []).append(_read(secret, service))
    return [
        _document(here, service, holder, _numbered(found), storing=holder == last)
        for holder, found in held.items()
    ]


def _storage(connection: S3Connection, folders: tuple[Folder, ...], service: Service) -> Iterator[Statement]:
    public = "*" if is_public(connection) else None
    for each in storage.statements(folders, service):
        yield Statement(each.sid, each.actions, each.resources, each.condition, public)
    if service.amazon:
        written = any(folder.written for folder in folders)
        yield from storage.encryption_statements(connection.encryption, service, written=written)
        yield from storage.client_side_statements(connection.encryption, service)


def _assume(step: Step) -> Statement:
    actions = (ASSUME, SET_SOURCE) if step.source_identity else (ASSUME,)
    return Statement("AssumeRole", actions, (step.holder,))


def _read(secret: SecretsManagerSecret | ParameterSecret, service: Service) -> Statement:
    if isinstance(secret, SecretsManagerSecret):
        # Secrets Manager adds a hyphen and six characters to the name.
        resource = service.of("secretsmanager", f"secret:{secret.name}-??????", secret.region)
        action, sid = READ_SECRET, "ReadSecret"
    else:
        resource = service.of("ssm", f"parameter/{secret.name.lstrip('/')}", secret.region)
        action, sid = READ_PARAMETER, "ReadParameter"
    return Statement(sid, (action,), (secret.name if secret.name.startswith("arn:") else resource,))


def _numbered(found: list[Statement]) -> tuple[Statement, ...]:
    """Give each statement an id of its own, as IAM wants it: the second of a name is 2."""
    counts: dict[str, int] = {}
    numbered = []
    for each in found:
        count = counts[each.sid] = counts.get(each.sid, 0) + 1
        sid = each.sid if count == 1 else f"{each.sid}{count}"
        numbered.append(Statement(sid, each.actions, each.resources, each.condition, each.principal))
    return tuple(numbered)


def _document(
    connection: S3Connection, service: Service, holder: str, found: tuple[Statement, ...], *, storing: bool
) -> Document:
    public = is_public(connection) and storing
    kind = Kind.BUCKET if public else Kind.IDENTITY
    notes = []
    if public:
        notes.append(_PUBLIC)
    if storing and not service.amazon:
        if any("StringLikeIfExists" in each.condition for each in found):
            notes.append(_LISTS_NAMES)
        if connection.encryption.server_side == "sse-kms":
            notes.append(_NO_KMS)
    if any(action in {READ_SECRET, READ_PARAMETER} for each in found for action in each.actions):
        notes.append(_OWN_KEY)
    if any(RECEIVE in each.actions for each in found):
        notes.append(_QUEUE_KEY)
    document = Document(connection.name, kind, holder, found, tuple(notes))
    if document.too_long:
        return Document(connection.name, kind, holder, found, (*notes, _TOO_LONG))
    return document
