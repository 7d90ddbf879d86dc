"""The connection: a frozen value that says how a bucket is reached, without any I/O."""

from __future__ import annotations

import warnings
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.connection.auth import (
    AnonymousAuth,
    AssumeRole,
    Auth,
    DefaultAuth,
    IamRoleAuth,
    WebIdentityAuth,
)
from s3_assets.connection.catalogs import Catalog
from s3_assets.connection.endpoints import whole_endpoint
from s3_assets.connection.regions import check_region
from s3_assets.connection.transport import Encryption, Proxy, Tls, Transport
from s3_assets.errors import SettingError
from s3_assets.location import Location

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")
_LONGEST_CHAINED = 3600


class AddressingStyle(StrEnum):
    """Where the bucket's name goes in a request."""

    AUTO = "auto"
    PATH = "path"
    VIRTUAL = "virtual"


class ServiceEndpoints(BaseModel):
    """URLs of other AWS services where they are not AWS's own, such as the STS of an S3-compatible server."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    sts: str | None = Field(default=None, description="For roles that are assumed.")
    kms: str | None = Field(default=None, description="For client-side encryption.")
    glue: str | None = Field(default=None, description="For tables of the Glue catalog.")
    cloudwatch: str | None = Field(default=None, description="For sizes of buckets.")
    sqs: str | None = Field(
        default=None, description="For queues of notifications; left out: the server of the queue's URL."
    )

    @field_validator("sts", "kms", "glue", "cloudwatch", "sqs")
    @classmethod
    def _whole(cls, endpoint: str | None) -> str | None:
        return None if endpoint is None else whole_endpoint(endpoint)


class S3Connection(BaseModel):
    """How one bucket, or one base path in it, is reached: authentication, addressing, transport."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    name: str = Field(default="s3", description="How messages call this connection.")
    url: str = Field(description="s3://bucket/ or s3://bucket/base/path/")
    endpoint: str | None = Field(default=None, description="URL or host of an S3-compatible server.")
    region: str | None = Field(default=None, description="Left out: the endpoint's, or the AWS chain's.")
    addressing_style: AddressingStyle = Field(
        default=AddressingStyle.AUTO,
        description="Where the bucket stands: in the path or in the host's name; auto: as the server has it.",
    )
    auth: Auth = Field(default_factory=DefaultAuth, description="Who asks; left out: the AWS chain tells.")
    assume_role: tuple[AssumeRole, ...] = Field(
        default=(), description="A role on top of auth, or a list of roles, each assumed with the one before."
    )
    transport: Transport = Field(default_factory=Transport)
    proxy: Proxy | None = Field(default=None, description="Left out: the environment's.")
    tls: Tls = Field(default_factory=Tls)
    encryption: Encryption = Field(default_factory=Encryption)
    service_endpoints: ServiceEndpoints = Field(default_factory=ServiceEndpoints)
    catalog: Catalog | None = Field(
        default=None, description="The catalog of all Iceberg tables; left out: their own metadata files."
    )
    match_subfolder_exactly: bool = Field(
        default=True, description="True: foo/bar never matches foo/bar_baz/."
    )
    checksums: Literal["when_supported", "when_required"] = Field(
        default="when_supported", description="when_required: for servers that refuse trailing checksums."
    )

    @field_validator("url")
    @classmethod
    def _normal_url(cls, url: str) -> str:
        return _in_pydantic(lambda: Location.parse(url)).url

    @field_validator("endpoint")
    @classmethod
    def _whole_endpoint(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        return whole_endpoint(endpoint)

    @field_validator("assume_role", mode="before")
    @classmethod
    def _one_or_many(cls, roles: object) -> object:
        return (roles,) if isinstance(roles, dict | AssumeRole) else roles

    @field_validator("region")
    @classmethod
    def _lower_region(cls, region: str | None) -> str | None:
        if region is not None and region != region.lower():
            warnings.warn(f"region '{region}' is written '{region.lower()}'", UserWarning, stacklevel=2)
            return region.lower()
        return region

    @model_validator(mode="after")
    def _sound_region(self) -> S3Connection:
        if self.region is not None:
            host = urlsplit(self.endpoint).hostname if self.endpoint else None
            for warning in check_region(self.region, host):
                warnings.warn(f"connection '{self.name}': {warning}", UserWarning, stacklevel=2)
        return self

    @model_validator(mode="after")
    def _sound_roles(self) -> S3Connection:
        if self.assume_role and isinstance(self.auth, AnonymousAuth):
            raise ValueError("assume_role needs credentials to assume the role with; auth is anonymous")
        # IAM User Guide, "Role chaining": at most one hour.
        chained = self.assume_role[1 if not isinstance(self.auth, IamRoleAuth | WebIdentityAuth) else 0 :]
        for role in chained:
            if role.duration_seconds > _LONGEST_CHAINED:
                raise ValueError(
                    f"assume_role: {role.role_arn} is assumed with a role, which AWS allows for an hour at "
                    f"most; set duration_seconds to {_LONGEST_CHAINED}: it is refreshed in time"
                )
        return self

    @property
    def location(self) -> Location:
        """The bucket and base path."""
        return Location.parse(self.url)

    @property
    def virtual_hosted(self) -> bool:
        """Whether the bucket goes into the host name: not by default for an endpoint or a dotted name.

        A dot in the bucket's name breaks the wildcard of the server's certificate (Amazon S3 User Guide,
        "Virtual hosting of general purpose buckets").
        """
        if self.addressing_style is AddressingStyle.AUTO:
            return self.endpoint is None and "." not in self.location.bucket
        return self.addressing_style is AddressingStyle.VIRTUAL


def _in_pydantic(make: Callable[[], Made]) -> Made:
    """Run a check of ours inside a validator, where only ValueErrors are collected with their place."""
    try:
        return make()
    except SettingError as error:
        raise ValueError(str(error)) from error
