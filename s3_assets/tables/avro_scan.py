"""Reading Avro files: the next ranges are fetched, and their blocks decoded by several threads, in order.

What is held at a time depends on the size of ranges and blocks, not on that of a file or on how many there
are.
"""

from __future__ import annotations

import io
import os
from contextlib import closing
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError
from s3_assets.tables.avro_blocks import Blocks
from s3_assets.tables.avro_fit import expressions, restored, schema_of
from s3_assets.tables.avro_header import Header, read_header
from s3_assets.tables.avro_rows import Decoder
from s3_assets.tables.ranges import fetch, ranges
from s3_assets.tables.text_pool import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    import polars as pl

    from s3_assets.objects import Objects
    from s3_assets.tables.avro_blocks import Piece
    from s3_assets.tables.disagreements import Policy
    from s3_assets.tables.ranges import Range

_DECODERS = max(1, min(4, os.cpu_count() or 1))


class AvroScan:
    """One read of files (key, size, ETag), of which some columns are wanted.

    `folders` says which columns have one value for all rows of a file, `policy` what becomes of files that
    disagree, `explained` turns what goes wrong in a file into an error that names it.
    """

    def __init__(
        self,
        objects: Objects,
        schema: pl.Schema,
        wanted: pl.Schema,
        folders: Callable[[str], Mapping[str, object]],
        policy: Policy,
        explained: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._objects = objects
        self._schema = schema
        self._wanted = wanted
        self._folders = folders
        self._policy = policy
        self._explained = explained

    def frames(self, files: Sequence[tuple[str, int, str]], limit: int | None) -> Iterator[pl.DataFrame]:
        """Yield the first `limit` rows, file after file; little more is fetched and decoded than these."""
        jobs = self._jobs(files, limit)
        workers = _DECODERS if limit is None else 1
        with closing(jobs), closing(in_order(jobs, workers)) as frames:
            yield from frames

    def _jobs(
        self, files: Sequence[tuple[str, int, str]], limit: int | None
    ) -> Generator[Callable[[], pl.DataFrame], None, None]:
        sparing = limit is not None
        wanted = (each for file in files for each in ranges(*file, sparing=sparing))
        left = limit
        with closing(fetch(self._objects, wanted, sparing=sparing)) as fetched:
            for key, of_file in groupby(fetched, lambda each: each[0].key):
                for piece, decode in self._pieces(key, of_file):
                    if left is not None and piece.rows >= left:
                        yield partial(_first, decode, piece, left)
                        return
                    left = None if left is None else left - piece.rows
                    yield partial(decode, piece)

    def _pieces(
        self, key: str, fetched: Iterator[tuple[Range, Future[bytes]]]
    ) -> Iterator[tuple[Piece, Callable[[Piece], pl.DataFrame]]]:
        """Yield the pieces of a file, each with what makes a frame of it."""
        with self._explained(key):
            header, rest, size = _begin(fetched)
            blocks = Blocks(header.sync, size - header.length)
            decode = self._decoder(key, header)
        found = chain(
            blocks.feed(rest), (piece for _, body in fetched for piece in blocks.feed(body.result()))
        )
        while True:
            with self._explained(key):
                piece = next(found, None)
                if piece is None:
                    blocks.end()
                    return
            yield piece, decode

    def _decoder(self, key: str, header: Header) -> Callable[[Piece], pl.DataFrame]:
        import polars as pl

        folders = self._folders(key)
        types = {name: dtype for name, dtype in schema_of(header).items() if name not in folders}
        of_files = pl.Schema({name: dtype for name, dtype in self._schema.items() if name not in folders})
        self._policy.fit(self._objects.url(key), types, of_files, "")
        columns = expressions(types, self._wanted, folders)
        fields = restored(header, [name for name in self._wanted if name in types])
        decoder = Decoder(header, list(fields))

        def decode(piece: Piece) -> pl.DataFrame:
            with self._explained(key):
                # First added, then chosen: a choice of constants alone would be one row.
                frame = decoder.decode(piece).with_columns(fields.values()).with_columns(columns)
                return frame.select(list(self._wanted)) if self._wanted else frame

        return decode


def _first(decode: Callable[[Piece], pl.DataFrame], piece: Piece, rows: int) -> pl.DataFrame:
    return decode(piece).head(rows)


def _begin(fetched: Iterator[tuple[Range, Future[bytes]]]) -> tuple[Header, bytes, int]:
    """Return the header, the bytes behind it that were fetched with it, and the size of the file."""
    start = b""
    for wanted, found in fetched:
        start += found.result()
        try:
            header = read_header(io.BytesIO(start))
        except EOFError:
            continue
        return header, start[header.length :], wanted.size
    raise DataFileBrokenError("its header has no end")
