"""The resource itself."""

from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import ConfigDict, PrivateAttr, ValidationError, create_model, field_validator, model_serializer

from s3_assets.connection.settings import S3Connection
from s3_assets.errors import SettingError
from s3_assets.registry.problems import discreet, dotted, from_validation
from s3_assets.resources.derivation import FROM, bare_secrets, config_fields, discreet_values, plain_values

if TYPE_CHECKING:
    _Fields = dg.ConfigurableResource[S3Connection]
else:
    _Fields = create_model(
        "_Fields", __base__=dg.ConfigurableResource[S3Connection], **config_fields(S3Connection)
    )


class S3ConnectionResource(_Fields):
    """How one bucket, or one base path in it, is reached; the fields are those of `S3Connection`.

    Any text may be a `dg.EnvVar`. In definitions a secret has to be one, or the field `..._from` says where
    it is kept: Dagster shows the values of a resource to whoever may see its UI.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    _in_a_run: bool = PrivateAttr(default=False)

    if TYPE_CHECKING:  # the fields are those of the model, made when the program runs

        def __init__(self, **fields: Any) -> None: ...  # noqa: ANN401 - of many types

    @field_validator("assume_role", mode="before", check_fields=False)
    @classmethod
    def _one_or_many(cls, roles: object) -> object:
        return [roles] if isinstance(roles, dict | dg.Config) else roles

    @model_serializer
    def _without_secrets(self) -> dict[str, object]:
        return discreet_values(self)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Remember that the variables have been read: this copy holds their values and is shown to nobody."""
        self._in_a_run = True

    def get_resource_definition(self) -> Any:  # noqa: ANN401 - the class of the definition is Dagster's own
        """Return the definition that Dagster keeps and shows; raises `SettingError` for secrets as text."""
        bare = [] if self._in_a_run else bare_secrets(self)
        if bare:
            raise SettingError(
                f"{', '.join(bare)} stands as text in the resource, and Dagster shows it in its UI",
                remedy=f"Give it as dg.EnvVar('NAME'), or say where it is kept with {bare[0]}{FROM}.",
            )
        return super().get_resource_definition()

    def connection(self) -> S3Connection:
        """Return the connection, checked; raises `SettingError` that names every wrong field."""
        try:
            return S3Connection.model_validate(plain_values(self))
        except ValidationError as error:
            problems = from_validation(error, S3Connection)
        # Outside of the handler, so that nothing is chained: pydantic quotes values.
        lines = "".join(f"\n  - {discreet(f'{dotted(each.path)}: {each.text}')}" for each in problems)
        raise SettingError(f"the connection's resource is wrong:{lines}")
