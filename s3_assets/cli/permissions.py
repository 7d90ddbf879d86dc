"""What `policy` and `check` share: which connections, which tables are written, whose S3 it is."""

from collections.abc import Iterable

from s3_assets.connection.environment import address
from s3_assets.connection.settings import S3Connection
from s3_assets.errors import RegistryError
from s3_assets.permissions import Service
from s3_assets.registry.models import Registry
from s3_assets.registry.problems import did_you_mean


def chosen_connections(registry: Registry, name: str | None) -> list[str]:
    """Return the connection that was named, or all; raises `RegistryError` if there is none of that name."""
    if name is None:
        return list(registry.connections)
    if name not in registry.connections:
        raise RegistryError(
            f"there is no connection '{name}'{did_you_mean(name, registry.connections)}",
            remedy="Name one of the registry.",
        )
    return [name]


def written_tables(registry: Registry, named: Iterable[str]) -> frozenset[str]:
    """Return the tables that the user's assets write: those of the registry's `code`, and those named."""
    extra = frozenset(named)
    for name in extra - set(registry.tables):
        raise RegistryError(
            f"there is no table '{name}'{did_you_mean(name, registry.tables)}",
            remedy="Name one of the registry.",
        )
    if not registry.code:
        return extra
    # Only then: it loads Dagster.
    from s3_assets.builder import tables_of_code

    return extra | tables_of_code(registry)


def service_of(connection: S3Connection) -> Service:
    """Return whose S3 it is, as connection and environment say."""
    where = address(connection)
    return Service.at(where.endpoint, where.region)
