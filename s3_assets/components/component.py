"""The component: a registry in a `defs.yaml`, or beside it."""

# No postponed annotations here: Dagster reads those of the fields as they stand.
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import dagster as dg
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver
from pydantic import BaseModel

from s3_assets.builder import build_definitions
from s3_assets.components.attributes import attributes_model
from s3_assets.components.reading import registry_of
from s3_assets.components.scaffolder import S3AssetsScaffolder
from s3_assets.errors import RegistryError
from s3_assets.registry.models import Registry
from s3_assets.specs import IO_MANAGER_KEY, Declared

if TYPE_CHECKING:
    _Registry = Registry
else:
    # Dagster would look through the models, for templates: their fields have more types than it knows.
    _Registry = object
_TRANSLATION = TranslationFnResolver[Declared](lambda declared: {"declared": declared})


def _file(context: dg.ResolutionContext, path: str) -> Registry:
    raise NotImplementedError(f"{path} is read with the rest of {context.path}")


@dg.scaffold_with(S3AssetsScaffolder)
@dataclass
class S3AssetsComponent(dg.Component, dg.Resolvable):
    """Tables and files on S3 as assets: imports, exports, media sets and sources, moved exactly once.

    The attributes are the sections of a registry of s3-assets (`connections`, `tables`, `imports`, `media`,
    `exports`, `discovery`, `code` and others), or `registry`, the path of a file that has them. Each import,
    export and media set becomes an asset, each table that nobody writes a source that is watched by a sensor,
    and the IO manager reads and writes the tables for your own assets.

    `translation` customises the spec of every generated asset; so does a subclass, by `get_asset_spec`.
    """

    registry: Annotated[
        _Registry,
        dg.Resolver(
            _file,
            model_field_type=str,
            description="Path of a registry file, relative to this one; instead of its sections here.",
            examples=["s3_assets.yaml"],
        ),
    ] = field(default_factory=Registry)
    translation: Annotated[
        Annotated[TranslationFn[Declared], _TRANSLATION] | None,
        dg.Resolver.default(
            description="What is different about the spec of every generated asset: `spec` is what it would "
            "be, `declared` what the registry says of it.",
            examples=[{"key_prefix": "prod", "group_name": "{{ declared.kind }}"}],
        ),
    ] = None
    io_manager_key: Annotated[
        str,
        dg.Resolver.default(
            description="The key of the resource that reads and writes tables; another one where the project "
            "has an io_manager of its own.",
            examples=["s3_io_manager"],
        ),
    ] = IO_MANAGER_KEY

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """Return what lists of components show of this one."""
        return dg.ComponentTypeSpec(
            tags=["s3", "delta", "iceberg", "parquet"], produces=["asset", "resource", "schedule", "sensor"]
        )

    @classmethod
    def model(cls) -> type[BaseModel]:
        """Return the attributes of a `defs.yaml`: the registry's sections, and the fields of the class."""
        return attributes_model(super().model())

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> "S3AssetsComponent":
        """Return the component of attributes; raises `RegistryError` with file, line and column."""
        registry = registry_of(context, model)
        kept = model.model_fields_set & set(type(model).model_fields) - {"registry"}
        # Without the registry's sections: of 10,000 tables, Dagster would make a copy for each field.
        others = cls.model().model_construct(kept, **{name: getattr(model, name) for name in kept})
        found: S3AssetsComponent = super().resolve_from_model(context, others)
        found.registry = registry
        return found

    def get_asset_spec(self, declared: Declared) -> dg.AssetSpec:
        """Return the spec of an asset of the registry; override it to change that, key and all."""
        return self.translation(declared.spec, declared) if self.translation is not None else declared.spec

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """Return everything that the registry declares, without touching the network."""
        if not self.registry.connections:
            raise RegistryError(
                "the component declares nothing",
                remedy="Write connections and tables below its attributes, or name a file with registry.",
            )
        overridden = type(self).get_asset_spec is not S3AssetsComponent.get_asset_spec
        return build_definitions(
            self.registry,
            get_asset_spec=self.get_asset_spec if overridden or self.translation is not None else None,
            io_manager_key=self.io_manager_key,
            # The executor is the project's to choose: definitions with two of them cannot be merged.
            executor=None,
        )
