"""The registry's models: what the YAML file says, and what Python can say as well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from s3_assets.connection.settings import S3Connection
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.errors import RegistryError
from s3_assets.registry.asset_paths import AssetPaths
from s3_assets.registry.catalogs import catalog_problems
from s3_assets.registry.checks import check_problems
from s3_assets.registry.discovery import DiscoverySettings, discovery_problems
from s3_assets.registry.engines import RunBy, engine_problems
from s3_assets.registry.exports import ExportSettings
from s3_assets.registry.imports import ImportSettings, import_problems
from s3_assets.registry.media import MediaSettings, media_problems
from s3_assets.registry.observe import ObserveSettings
from s3_assets.registry.places import Places
from s3_assets.registry.problems import (
    Problem,
    UnplacedRegistryError,
    did_you_mean,
    from_validation,
    raise_problems,
)
from s3_assets.registry.queues import QueueSettings, queue_problems
from s3_assets.registry.tables import table_problems
from s3_assets.tables.any_settings import AnyTableSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import PreviewSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s3_assets.engines.engine import Engine
    from s3_assets.exports.export import Export
    from s3_assets.exports.units import ExportMode
    from s3_assets.media.media_set import MediaSet
    from s3_assets.movement.imports import Import
    from s3_assets.tables.table import Table

__all__ = [
    "DiscoverySettings",
    "ExportSettings",
    "ImportSettings",
    "MediaSettings",
    "QueueSettings",
    "Registry",
    "WatchSettings",
]

_NAME = re.compile(r"^[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)*$")


class WatchSettings(BaseModel):
    """How sources are watched."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    every_seconds: int = Field(default=60, ge=1, description="Seconds between two looks at the sources.")
    at_once: int = Field(default=16, ge=1, le=64, description="Sources that are looked at in parallel.")
    max_runs_per_tick: int = Field(
        default=50, ge=1, description="Runs that one look starts; what else is due waits for the next."
    )
    on_untold: Literal["all", "fail"] = Field(
        default="all",
        description="What to do where a source does not tell which partitions changed: run all, or none.",
    )


class Registry(BaseModel):
    """All that is declared: connections, tables, imports, media sets, exports, what is watched, code beside.

    Raises `RegistryError` with every problem, in Python as in a file.
    """

    # `defer_build`, as in all models of settings: most are validated as parts of this one alone, and pydantic
    # need not make a validator for each of them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    connections: dict[str, S3Connection] = Field(
        default_factory=dict, description="How each bucket, or base path in it, is reached, by name."
    )
    tables: dict[str, AnyTableSettings] = Field(
        default_factory=dict, description="Rows in place, by name: format, connection, path, partitions."
    )
    imports: dict[str, ImportSettings] = Field(
        default_factory=dict, description="Tables that are made of others, by name: source, target, mode."
    )
    media: dict[str, MediaSettings] = Field(
        default_factory=dict, description="Objects of which an inventory is kept, and copies, by name."
    )
    exports: dict[str, ExportSettings] = Field(
        default_factory=dict, description="Rows that become files for others, by name."
    )
    discovery: dict[str, DiscoverySettings] = Field(
        default_factory=dict, description="Places that are looked through for what is not declared, by name."
    )
    queues: dict[str, QueueSettings] = Field(
        default_factory=dict, description="Queues of SQS that tell of new objects, by name."
    )
    watch: WatchSettings = Field(default_factory=WatchSettings, description="How sources are watched.")
    observe: ObserveSettings = Field(default_factory=ObserveSettings)
    ray: RaySettings = Field(
        default_factory=RaySettings,
        description="The Ray cluster of what says `engine: ray`, and how work is cut for it.",
    )
    preview: PreviewSettings = Field(
        default_factory=PreviewSettings,
        description="Rows that are shown in the metadata of runs, of tables that say nothing else; left out: "
        "none.",
    )
    code: tuple[Path, ...] = Field(
        default=(), description="Python files beside the registry whose assets join the definitions."
    )
    _places: Places = PrivateAttr(default_factory=Places)
    _assets: AssetPaths = PrivateAttr(default_factory=AssetPaths)

    if not TYPE_CHECKING:  # for types, the fields above are the arguments

        def __init__(self, **sections: object) -> None:
            try:
                super().__init__(**sections)
            except ValidationError as error:
                found = from_validation(error, type(self))
            else:
                return
            # Outside of the handler, so that nothing is chained: pydantic quotes values.
            raise UnplacedRegistryError(found)

    @field_validator("connections", mode="before")
    @classmethod
    def _named(cls, connections: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(connections, dict):
            return connections
        return {
            name: {**value, "name": name}
            if isinstance(value, dict)
            else value.model_copy(update={"name": name})
            if isinstance(value, S3Connection)
            else value
            for name, value in connections.items()
        }

    @model_validator(mode="after")
    def _sound(self) -> Registry:
        raise_problems(
            [
                *self._names(),
                *table_problems(self.tables, self.connections, self.targets),
                *check_problems(self.tables),
                *catalog_problems(self.connections, self.tables, self.targets),
                *import_problems(self.imports, self.tables),
                *media_problems(self.media, self.connections, self.tables, self.imports),
                *self._export_problems(),
                *discovery_problems(self.discovery, self.connections),
                *queue_problems(self.queues, self.connections),
                *engine_problems(self.connections, self.tables, self.imports, self.exports),
            ]
        )
        return self

    def table(self, name: str) -> Table[Any]:
        """Return the table of that name; raises `RegistryError` with a suggestion if there is none."""
        if name not in self.tables:
            raise RegistryError(
                f"there is no table '{name}'{did_you_mean(name, self.tables)}",
                remedy="Name one of the registry.",
            )
        settings = self.tables[name]
        table = open_table(name, settings, self.connections[settings.connection])
        table.shown = self._shown_of(name)
        return table

    def import_(self, name: str) -> Import:
        """Return the import of that name; raises `RegistryError` with a suggestion if there is none."""
        from s3_assets.movement.imports import Import

        if name not in self.imports:
            raise RegistryError(
                f"there is no import '{name}'{did_you_mean(name, self.imports)}",
                remedy="Name one of the registry.",
            )
        settings = self.imports[name]
        return Import(
            name,
            self.table(settings.source),
            self.table(settings.target),
            settings.mode,
            filters=settings.filters,
            placement=settings.placement,
            key=settings.key,
            on_gap=settings.on_gap,
            limit=settings.batch.limit() if settings.batch else None,
            max_batches=settings.max_batches,
            engine=self._engine(settings),
        )

    def media_set(self, name: str) -> MediaSet:
        """Return the media set of that name; raises `RegistryError` with a suggestion if there is none."""
        if name not in self.media:
            raise RegistryError(
                f"there is no media set '{name}'{did_you_mean(name, self.media)}",
                remedy="Name one of the registry.",
            )
        settings = self.media[name]
        return settings.open(name, self.connections, self.table(settings.target))

    def export(self, name: str) -> Export:
        """Return the export of that name; raises `RegistryError` with a suggestion if there is none."""
        if name not in self.exports:
            raise RegistryError(
                f"there is no export '{name}'{did_you_mean(name, self.exports)}",
                remedy="Name one of the registry.",
            )
        settings = self.exports[name]
        source = self.table(settings.source) if settings.source is not None else None
        return settings.open(name, self.connections[settings.connection], source, self._engine(settings))

    def _engine(self, settings: RunBy) -> Engine | None:
        """Return who runs the rows of an import or export; None: the process that runs it."""
        if not settings.distributed:
            return None
        from s3_assets.engines.ray.engine import RayEngine

        return RayEngine(self.ray)

    def export_mode(self, name: str) -> ExportMode:
        """Return the mode of a declared export: its own, or that of its source."""
        settings = self.exports[name]
        return settings.mode_for(self.tables[settings.source] if settings.source is not None else None)

    @property
    def places(self) -> Places:
        """Where the entries stand, if they were read from a file."""
        return self._places

    def placed(self, places: Places) -> Registry:
        """Return the same registry, as one that was read from there."""
        found = self.model_copy()
        found._places = places  # noqa: SLF001 - its own
        return found

    @property
    def assets(self) -> AssetPaths:
        """What its tables and exports are called as assets."""
        return self._assets

    def called(self, assets: AssetPaths) -> Registry:
        """Return the same registry, with tables and exports that are called so as assets."""
        found = self.model_copy()
        found._assets = assets  # noqa: SLF001 - its own
        return found

    def preview_of(self, name: str, sources: Iterable[str] = ()) -> PreviewSettings:
        """Return what may be shown of the rows of a table or export that are made of those of the sources.

        Where the table says nothing itself, no more is shown than the least of the sources lets, or else the
        registry. What is excluded anywhere of them is excluded.
        """
        own = self.tables[name].preview if name in self.tables else PreviewSettings()
        others = [self.tables[each].preview for each in sources if each in self.tables]
        told = [each.rows for each in others if each.rows is not None]
        rows = own.rows if own.rows is not None else min(told, default=self.preview.rows or 0)
        exclude = [column for each in (self.preview, own, *others) for column in each.exclude]
        return PreviewSettings(rows=rows, exclude=tuple(dict.fromkeys(exclude)))

    def _shown_of(self, name: str) -> PreviewSettings:
        """Return what may be shown of a table's rows by their own names.

        Nothing where an import may have given a column another name that is excluded in its source.
        """
        imports = [each for each in self.imports.values() if each.target == name]
        sources = [each.source for each in imports]
        found = self.preview_of(name, sources)
        hidden = self.preview.exclude or any(self.tables[each].preview.exclude for each in sources)
        if hidden and any(each.filters is not None for each in imports):
            return PreviewSettings(rows=0, exclude=found.exclude)
        return found

    @property
    def targets(self) -> set[str]:
        """The tables that imports and media sets write."""
        return {each.target for section in (self.imports, self.media) for each in section.values()}

    def _export_problems(self) -> Iterable[Problem]:
        if not self.exports:
            # What compares their keys takes a while to load.
            return ()
        from s3_assets.registry.export_keys import export_problems

        return export_problems(self.exports, self.connections, self.tables, self.imports, self.media)

    def _names(self) -> Iterator[Problem]:
        for section in ("connections", "tables", "imports", "media", "exports", "discovery", "queues"):
            for name in getattr(self, section):
                if not _NAME.match(name):
                    yield Problem(
                        (section, name), "this is not a name; use letters, digits, _ and / between parts"
                    )
