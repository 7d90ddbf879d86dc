"""Tables and files on S3 as Dagster assets: incremental, exactly once, through one connection.

Names are imported when they are first used, so that `import s3_assets` costs nothing.
"""

# For type checkers it is true; `typing` itself takes longer to load than Python does to start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from s3_assets.builder import build_definitions
    from s3_assets.connection import (
        AccessKeyAuth,
        AnonymousAuth,
        AssumeRole,
        ClientSideEncryption,
        DefaultAuth,
        Encryption,
        GlueCatalogSettings,
        IamRoleAuth,
        OAuth2,
        ParameterSecret,
        ProfileAuth,
        Proxy,
        RestCatalogSettings,
        S3Connection,
        SecretReference,
        SecretsManagerSecret,
        ServiceEndpoints,
        SqlCatalogSettings,
        Tls,
        Transport,
        UnityCatalogSettings,
        WebIdentityAuth,
    )
    from s3_assets.decorator import Read, s3_asset
    from s3_assets.errors import S3AssetsError
    from s3_assets.exports.formats import AvroFormat, CsvFormat, JsonLinesFormat, ParquetFormat
    from s3_assets.io_managers import S3TableIOManager
    from s3_assets.movement.casting import Cast
    from s3_assets.movement.digest import Digest
    from s3_assets.movement.filters import Filters
    from s3_assets.movement.json_columns import ExpandJson
    from s3_assets.movement.placement import Placement
    from s3_assets.object_options import ObjectOptions
    from s3_assets.registry import ExportSettings, ImportSettings, Registry, load_registry
    from s3_assets.registry.exports import SplitSettings
    from s3_assets.registry.increments import BatchSettings
    from s3_assets.registry.schedule import ScheduleSettings
    from s3_assets.specs import Declared
    from s3_assets.tables.check_settings import ChecksSettings
    from s3_assets.tables.settings import (
        AvroSettings,
        DeltaSettings,
        ParquetSettings,
        Partitions,
        PreviewSettings,
    )
    from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings
    from s3_assets.windows import Window

_HOMES = {
    "AccessKeyAuth": "s3_assets.connection",
    "AnonymousAuth": "s3_assets.connection",
    "AssumeRole": "s3_assets.connection",
    "AvroFormat": "s3_assets.exports.formats",
    "AvroSettings": "s3_assets.tables.settings",
    "BatchSettings": "s3_assets.registry.increments",
    "Cast": "s3_assets.movement.casting",
    "ChecksSettings": "s3_assets.tables.check_settings",
    "ClientSideEncryption": "s3_assets.connection",
    "CsvFormat": "s3_assets.exports.formats",
    "CsvSettings": "s3_assets.tables.text_settings",
    "Declared": "s3_assets.specs",
    "DefaultAuth": "s3_assets.connection",
    "DeltaSettings": "s3_assets.tables.settings",
    "Digest": "s3_assets.movement.digest",
    "Encryption": "s3_assets.connection",
    "ExpandJson": "s3_assets.movement.json_columns",
    "ExportSettings": "s3_assets.registry",
    "Filters": "s3_assets.movement.filters",
    "GlueCatalogSettings": "s3_assets.connection",
    "IamRoleAuth": "s3_assets.connection",
    "ImportSettings": "s3_assets.registry",
    "JsonLinesFormat": "s3_assets.exports.formats",
    "JsonLinesSettings": "s3_assets.tables.text_settings",
    "JsonSettings": "s3_assets.tables.text_settings",
    "OAuth2": "s3_assets.connection",
    "ObjectOptions": "s3_assets.object_options",
    "ParameterSecret": "s3_assets.connection",
    "ParquetFormat": "s3_assets.exports.formats",
    "ParquetSettings": "s3_assets.tables.settings",
    "Partitions": "s3_assets.tables.settings",
    "PreviewSettings": "s3_assets.tables.settings",
    "Placement": "s3_assets.movement.placement",
    "ProfileAuth": "s3_assets.connection",
    "Proxy": "s3_assets.connection",
    "Read": "s3_assets.decorator",
    "Registry": "s3_assets.registry",
    "RestCatalogSettings": "s3_assets.connection",
    "S3AssetsError": "s3_assets.errors",
    "S3Connection": "s3_assets.connection",
    "S3TableIOManager": "s3_assets.io_managers",
    "ScheduleSettings": "s3_assets.registry.schedule",
    "SecretReference": "s3_assets.connection",
    "SecretsManagerSecret": "s3_assets.connection",
    "ServiceEndpoints": "s3_assets.connection",
    "SplitSettings": "s3_assets.registry.exports",
    "SqlCatalogSettings": "s3_assets.connection",
    "Tls": "s3_assets.connection",
    "Transport": "s3_assets.connection",
    "TsvSettings": "s3_assets.tables.text_settings",
    "UnityCatalogSettings": "s3_assets.connection",
    "WebIdentityAuth": "s3_assets.connection",
    "Window": "s3_assets.windows",
    "build_definitions": "s3_assets.builder",
    "load_registry": "s3_assets.registry",
    "s3_asset": "s3_assets.decorator",
}

__all__ = [
    "AccessKeyAuth",
    "AnonymousAuth",
    "AssumeRole",
    "AvroFormat",
    "AvroSettings",
    "BatchSettings",
    "Cast",
    "ChecksSettings",
    "ClientSideEncryption",
    "CsvFormat",
    "CsvSettings",
    "Declared",
    "DefaultAuth",
    "DeltaSettings",
    "Digest",
    "Encryption",
    "ExpandJson",
    "ExportSettings",
    "Filters",
    "GlueCatalogSettings",
    "IamRoleAuth",
    "ImportSettings",
    "JsonLinesFormat",
    "JsonLinesSettings",
    "JsonSettings",
    "OAuth2",
    "ObjectOptions",
    "ParameterSecret",
    "ParquetFormat",
    "ParquetSettings",
    "Partitions",
    "Placement",
    "PreviewSettings",
    "ProfileAuth",
    "Proxy",
    "Read",
    "Registry",
    "RestCatalogSettings",
    "S3AssetsError",
    "S3Connection",
    "S3TableIOManager",
    "ScheduleSettings",
    "SecretReference",
    "SecretsManagerSecret",
    "ServiceEndpoints",
    "SplitSettings",
    "SqlCatalogSettings",
    "Tls",
    "Transport",
    "TsvSettings",
    "UnityCatalogSettings",
    "WebIdentityAuth",
    "Window",
    "build_definitions",
    "load_registry",
    "s3_asset",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 's3_assets' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
