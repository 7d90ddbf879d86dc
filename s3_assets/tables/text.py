"""Folders of text files: read lazily, in blocks, with projection, row limit and predicate in the reader."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from s3_assets.errors import BadRowError
from s3_assets.tables import file_columns, text_values
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.reading import Reading
from s3_assets.tables.table import Capability, Writer
from s3_assets.tables.text_charset import utf8_chunks
from s3_assets.tables.text_fetch import TextFile
from s3_assets.tables.text_packing import choose
from s3_assets.tables.text_read import Asked, TextRead
from s3_assets.tables.text_sampling import Sampling
from s3_assets.tables.text_settings import TextSettings
from s3_assets.tables.text_source import open_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from s3_assets.tables.encoding import Encoding
    from s3_assets.tables.text_read import Parsed
    from s3_assets.tables.text_rows import BadRow, Batch

SAMPLE = 256 * 1024
"""How many bytes of a file's text are looked at, unpacked, to find its columns."""

_QUARANTINE = "_s3_assets/quarantine"

TextOf = TypeVar("TextOf", bound=TextSettings)


class TextTable(FolderTable[TextOf], Generic[TextOf]):
    """A folder of text files; a format says what a text's blocks are, and what rows they hold."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.READ_ADDED, Capability.WRITE_WINDOW, Capability.TRANSACTIONS}
    )

    def writer(self) -> Writer:
        """Open the folder for one write; raises `UnsupportedError` for files that cannot be written."""
        from s3_assets.tables.folder_writer import FolderWriter

        return FolderWriter(self, self.encoding(*choose(self.settings, self.name)))

    def create(self, schema: pl.Schema) -> None:
        """Do nothing: a folder exists as soon as it has a file."""

    @abstractmethod
    def encoding(self, compression: str, suffix: str) -> Encoding:
        """Return how files with this compression are written."""

    @abstractmethod
    def batches(self, chunks: Iterator[bytes], place: str) -> Iterator[Batch | BadRow]:
        """Cut a text, from a file or from a member of an archive, into what can be parsed by itself."""

    @abstractmethod
    def parse(self, batch: Batch, asked: Asked) -> Parsed:
        """Return the rows of a batch, with those columns that are asked for and that it has.

        Runs in a thread of its own.
        """

    @abstractmethod
    def sample(self, chunks: Iterator[bytes], known: pl.Schema | None = None) -> pl.Schema:
        """Return the columns that the first rows of a text have.

        `known` ones of another text may be returned instead, where a join of both would be the same.
        """

    def join_schemas(self, schemas: dict[str, pl.Schema], table: str) -> pl.Schema:
        """Merge what the samples were taken for; a string wherever two have no type in common."""
        del table
        return text_values.join(schemas)

    def read_schema(self, key: str) -> pl.Schema:
        """Return what the first bytes of the file's text look like."""
        return self.sampled(TextFile(key, self.folder.objects.head(key).size))

    def looking(self, listed: pl.DataFrame, reading: Reading) -> Callable[[str], pl.Schema]:
        """Return what reads the columns of a listed file; small ones are fetched whole, and kept."""
        return Sampling(self, listed, reading.kept)

    def sampled(self, file: TextFile, body: bytes | None = None, known: pl.Schema | None = None) -> pl.Schema:
        """Return what the first bytes of a file's text look like; `body` is all of it, if it was fetched.

        With columns that are `known` of another file, the same are returned if nothing is added to them.
        """
        objects, settings = self.folder.objects, self.settings
        with open_members(objects, file, settings.compression, body) as members:
            found = {
                place: self.sample(
                    iter([next(utf8_chunks(text, settings.charset, SAMPLE), b"")[:SAMPLE]]), known
                )
                for place, text in members
            }
        return text_values.join(found)

    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows of the files, in their order."""
        return self.scan_noting(chosen, schema, hive, Reading())

    def scan_noting(
        self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows of the files, in their order, and count what is left out of them."""
        from polars.io.plugins import register_io_source

        def read(
            columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, batch: int | None
        ) -> Iterator[pl.DataFrame]:
            del batch
            wanted = columns if columns is not None else list(schema)
            needed = set(wanted) | (set(predicate.meta.root_names()) if predicate is not None else set())
            if self.settings.on_bad_row != "fail":
                # Which rows are bad must not depend on the columns that somebody asks for.
                needed = set(schema)
            taken = file_columns.kept(chosen, predicate)
            carried = _part(hive, needed)
            return TextRead(
                self,
                [TextFile(*row) for row in taken.select("key", "size", "etag").iter_rows()],
                Asked(_part(schema, needed - set(hive)), frozenset(schema), needed >= set(schema)),
                carried,
                file_columns.rows_by_key(taken, list(carried)),
                wanted,
                predicate,
                limit,
                reading.begin(),
                reading.kept,
            ).frames()

        return register_io_source(read, schema=dict(schema), explain_name=self.settings.path)

    @property
    def quarantine(self) -> str:
        """The prefix of the objects that keep bad rows."""
        path = self.settings.quarantine_path
        own = self.location.object(f"{_QUARANTINE}/")
        return (own if path is None else self.connection.location.folder(path)).key

    def bad_row(self, bad: BadRow) -> BadRowError:
        """Return the error that a bad row is where none may be."""
        return BadRowError(
            f"line {bad.line}, column {bad.column}: {bad.found}",
            remedy="Correct the file, declare the table as the file is, or set on_bad_row to 'skip' or "
            "'quarantine'.",
            line=bad.line,
            column=bad.column,
            table=self.name,
            connection=self.connection.name,
            location=bad.place,
        )


def _part(schema: pl.Schema, wanted: set[str]) -> pl.Schema:
    return type(schema)({column: dtype for column, dtype in schema.items() if column in wanted})
