"""The registry's models: what the YAML file says, and what Python can say as well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from s3_assets.connection.settings import S3Connection
from s3_assets.errors import RegistryError, S3AssetsError
from s3_assets.movement.imports import Import
from s3_assets.registry.catalogs import catalog_problems
from s3_assets.registry.imports import ImportSettings, import_problems
from s3_assets.registry.media import MediaSettings, media_problems
from s3_assets.registry.problems import (
    Problem,
    UnplacedRegistryError,
    did_you_mean,
    from_validation,
    raise_problems,
)
from s3_assets.tables.any_settings import AnyTableSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.partitioning import check_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.media.media_set import MediaSet
    from s3_assets.tables.table import Table

__all__ = ["ImportSettings", "MediaSettings", "Registry", "WatchSettings"]

_NAME = re.compile(r"^[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)*$")


class WatchSettings(BaseModel):
    """How sources are watched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    """Everything that is declared: connections, tables, imports, media sets, and the code beside them.

    Raises `RegistryError` with every problem, in Python as in a file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connections: dict[str, S3Connection] = Field(default_factory=dict)
    tables: dict[str, AnyTableSettings] = Field(default_factory=dict)
    imports: dict[str, ImportSettings] = Field(default_factory=dict)
    media: dict[str, MediaSettings] = Field(default_factory=dict)
    watch: WatchSettings = Field(default_factory=WatchSettings)
    code: tuple[Path, ...] = Field(
        default=(), description="Python files beside the registry whose assets join the definitions."
    )

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
                *self._references(),
                *self._places(),
                *catalog_problems(self.connections, self.tables, self.targets),
                *self._encryption(),
                *import_problems(self.imports, self.tables),
                *media_problems(self.media, self.connections, self.tables, self.imports),
                *self._partitions(),
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
        return open_table(name, settings, self.connections[settings.connection])

    def import_(self, name: str) -> Import:
        """Return the import of that name; raises `RegistryError` with a suggestion if there is none."""
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

    @property
    def targets(self) -> set[str]:
        """The tables that imports and media sets write."""
        return {each.target for section in (self.imports, self.media) for each in section.values()}

    def _names(self) -> Iterator[Problem]:
        for section in ("connections", "tables", "imports", "media"):
            for name in getattr(self, section):
                if not _NAME.match(name):
                    yield Problem(
                        (section, name), "this is not a name; use letters, digits, _ and / between parts"
                    )

    def _references(self) -> Iterator[Problem]:
        for name, table in self.tables.items():
            if table.connection not in self.connections:
                hint = did_you_mean(table.connection, self.connections)
                yield Problem(
                    ("tables", name, "connection"), f"there is no connection '{table.connection}'{hint}"
                )
        for name, each in self.imports.items():
            for role, table_name in (("source", each.source), ("target", each.target)):
                if table_name not in self.tables:
                    yield Problem(
                        ("imports", name, role),
                        f"there is no table '{table_name}'{did_you_mean(table_name, self.tables)}",
                    )

    def _places(self) -> Iterator[Problem]:
        """Two tables at one place, or one inside the other, are refused where one of them is written."""
        targets = self.targets
        places: list[tuple[str, str]] = []
        for name, table in self.tables.items():
            connection = self.connections.get(table.connection)
            if connection is not None:
                where = connection.location.folder(table.path)
                places.append((f"{connection.endpoint or ''}|{where.url}", name))
        # Sorted, a folder comes before what lies in it: those around the present one form a stack, and each
        # table is looked at once.
        around: list[tuple[str, str]] = []
        for place, name in sorted(places):
            while around and not place.startswith(around[-1][0]):
                around.pop()
            written = next((each for each in reversed(around) if {name, each[1]} & targets), None)
            if written is not None:
                inside = "are at one place" if place == written[0] else "lie inside each other"
                yield Problem(
                    ("tables", name, "path"),
                    f"the tables '{written[1]}' and '{name}' {inside}; give each its own path",
                )
            around.append((place, name))

    def _encryption(self) -> Iterator[Problem]:
        """Engines read ranges of files, which encryption on the client does not have."""
        for name, table in self.tables.items():
            connection = self.connections.get(table.connection)
            if connection is not None and connection.encryption.client_side is not None:
                engines = "Polars and delta-rs" if table.format == "delta" else "Polars"
                yield Problem(
                    ("tables", name, "connection"),
                    f"'{table.connection}' has encryption.client_side, and {engines} cannot read or write "
                    f"{table.format} tables through it; use encryption.server_side, or another connection",
                )

    def _partitions(self) -> Iterator[Problem]:
        for name, table in self.tables.items():
            partitions = table.partitions
            if partitions is not None and partitions.format is not None:
                try:
                    check_format(partitions, partitions.format, name)
                except S3AssetsError as error:
                    yield Problem(("tables", name, "partitions", "format"), str(error))
