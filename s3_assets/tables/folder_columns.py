"""The columns of a folder of files beyond those that are in the files: told by folders, or by the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import PartitionColumnError, SchemaMismatchError
from s3_assets.tables import file_columns, files
from s3_assets.tables.partitioning import label_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.location import Location
    from s3_assets.tables.dated_folders import DatedFolders
    from s3_assets.tables.settings import FolderSettings


@dataclass(frozen=True)
class FolderColumns:
    """The columns of one table, by its name, settings and place."""

    table: str
    settings: FolderSettings
    location: Location

    @property
    def dated(self) -> DatedFolders | None:
        """The folders that tell the partition column, if they are declared."""
        return self.settings.partitions.dated_folders if self.settings.partitions is not None else None

    def all(self, of_files: pl.Schema, hive: Mapping[str, pl.DataType]) -> pl.Schema:
        """Return all columns: of the files, of their Hive folders, and those that are made.

        Raises `PartitionColumnError` or `SchemaMismatchError` if two have one name.
        """
        import polars as pl

        partitions = self.settings.partitions
        if self.dated is not None and partitions is not None and partitions.column in of_files:
            raise PartitionColumnError(
                f"the files have a column '{partitions.column}', and partitions.folders is to tell it",
                remedy="Give partitions.column a name of its own, such as day.",
                table=self.table,
            )
        return self.with_made(pl.Schema({**of_files, **hive}))

    def with_made(self, schema: pl.Schema) -> pl.Schema:
        """Add the columns that no file and no Hive folder has; raises as `all` does."""
        import polars as pl

        made = file_columns.reader_types(self.settings.reader_columns)
        clash = next((name for name in made if name in schema), None)
        if clash is not None:
            raise SchemaMismatchError(
                f"the reader is to add the column '{clash}', and the table has one of that name",
                remedy="Leave it out of reader_columns.",
                table=self.table,
            )
        dated, partitions = self.dated, self.settings.partitions
        if dated is not None and partitions is not None:
            declared = schema.get(partitions.column, dated.dtype())
            if declared != dated.dtype():
                raise PartitionColumnError(
                    f"the column '{partitions.column}' is declared as {declared}, and partitions.folders "
                    f"tells a {dated.dtype()}",
                    remedy="Correct its type, or leave it out of the columns.",
                    table=self.table,
                )
            made = {partitions.column: dated.dtype(), **made}
        return pl.Schema({**schema, **made})

    def with_values(
        self, chosen: pl.DataFrame, paths: pl.Series, schema: pl.Schema
    ) -> tuple[pl.DataFrame, pl.Schema]:
        """Add what each file's folders tell and the reader adds, and say which columns that are.

        `paths` are those of the files below the folder.
        """
        import polars as pl

        keys = chosen["key"].to_list()
        found = self.hive(keys)
        hive = pl.Schema({column: schema[column] for column in found if column in schema})
        values: list[pl.Series | pl.Expr] = [*file_columns.folder_values(keys, self.location.key, hive)]
        types = dict(hive)
        dated, partitions = self.dated, self.settings.partitions
        if dated is not None and partitions is not None:
            told = dated.values(paths.to_list())
            values.append(pl.Series(partitions.column, told, dtype=dated.dtype()))
            types[partitions.column] = dated.dtype()
        reader = self.settings.reader_columns
        values += file_columns.reader_values(reader, self.location.bucket)
        types |= file_columns.reader_types(reader)
        if values:
            chosen = chosen.with_columns(pl.struct(values).alias(file_columns.VALUES))
        return chosen, pl.Schema(types)

    def hive(self, keys: list[str]) -> dict[str, pl.DataType]:
        """Return the columns that the Hive folders of these files tell."""
        found = files.hive_columns(keys, self.location.key)
        partitions = self.settings.partitions
        if partitions is not None:
            # The folders of a timestamp's hour or day repeat what the column itself says.
            found.pop(label_column(partitions), None)
            if partitions.folders is not None:
                # All of the pattern's folders tell it, not the one that has its name.
                found.pop(partitions.column, None)
        return found
