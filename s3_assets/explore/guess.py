"""The guess: from a place on S3 to the settings of the table that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFilesMissingError, ObjectMissingError, UnsupportedError
from s3_assets.explore import delta, iceberg
from s3_assets.explore.findings import FIRST_FILES, NAMELESS, Finding, Guess
from s3_assets.explore.folders import find_folders
from s3_assets.explore.format_settings import settings_of
from s3_assets.explore.kinds import binary_kind
from s3_assets.explore.listing import Listing, first_page, look
from s3_assets.explore.names import choose_files
from s3_assets.explore.samples import FIRST, HEAD, MARK, fetch
from s3_assets.explore.types import type_name
from s3_assets.objects import Objects
from s3_assets.progress import count, readable_bytes
from s3_assets.tables.dated_folders import DatedFolders
from s3_assets.tables.files import hive_columns
from s3_assets.tables.open import open_table
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.names import Chosen
    from s3_assets.explore.samples import Head
    from s3_assets.objects import ObjectInfo
    from s3_assets.tables.table import Table

_PARTS = {"parquet": "the footers of ", "avro": "the headers of "}
_MARKS = ("/_delta_log/", ".metadata.json")


def guess(connection: S3Connection, key: str) -> Guess:
    """Return the settings that read what lies at `key`, a folder or one object of the connection's bucket.

    At most 13 pages are listed, and at most 1 MiB of each of ten files is fetched. Raises
    `DataFilesMissingError` if nothing is there, `UnsupportedError` for what is no table, or several.
    """
    objects = Objects(connection)
    single = _single(objects, key)
    if single is not None and single.size:
        folder = key[: key.rfind("/") + 1]
        return guess_files(
            connection, objects, Listing(folder, (single,), complete=True, keys=(key,)), single
        )
    folder = key if not key or key.endswith("/") else f"{key}/"
    first = first_page(objects, folder)
    keys = first.keys if first.complete else None
    found = delta.find(connection, folder, keys) or iceberg.find(connection, folder, keys)
    if found is not None:
        return found
    listing = look(objects, first)
    _require_one_table(connection, listing, empty=single is not None)
    return guess_files(connection, objects, listing, None)


def opened(connection: S3Connection, found: Guess) -> Table[Any]:
    """Return the table that was guessed; nothing is read."""
    of_format = settings_of(found.settings["format"])
    settings = of_format.model_validate({"connection": connection.name, **found.settings})
    return open_table(NAMELESS, settings, connection)


def _single(objects: Objects, key: str) -> ObjectInfo | None:
    """Return the object of that key, if there is one."""
    if not key or key.endswith("/"):
        return None
    try:
        return objects.head(key)
    except ObjectMissingError:
        return None


def _require_one_table(connection: S3Connection, listing: Listing, *, empty: bool) -> None:
    """A table inside the folder is one of its own, and its files are no rows of this one.

    `empty`: in the folder's place, without its slash, is an object without a byte.
    """
    place = f"s3://{connection.location.bucket}/{listing.prefix}"
    if empty and not listing.keys:
        raise DataFilesMissingError(
            "the object is empty",
            remedy="Have it written again, or name another.",
            connection=connection.name,
            location=place.rstrip("/"),
        )
    if not listing.files:
        raise DataFilesMissingError(
            "there are only hidden or empty objects" if listing.keys else "there is nothing",
            remedy="Look with `s3-assets ls --recursive` what is there."
            if listing.keys
            else "Check the path; folders end with a slash, objects do not.",
            connection=connection.name,
            location=place,
        )
    marked = [key for key in listing.keys if any(mark in key for mark in _MARKS)]
    inside = sorted({key.partition("/_delta_log/")[0].partition("/metadata/")[0] + "/" for key in marked})
    if inside:
        raise UnsupportedError(
            f"{count(len(inside), 'table')} with a log of its own below this folder, such as {inside[0]}",
            remedy="Guess each of them by itself.",
            connection=connection.name,
            location=place,
        )


def guess_files(
    connection: S3Connection,
    objects: Objects,
    listing: Listing,
    single: ObjectInfo | None,
    folders_seen: Sequence[str] = (),
) -> Guess:
    """Return the settings that read the files of a listing, or the single one.

    `folders_seen` are keys of folders inside, beside those that the files lie in. At most 1 MiB of each of
    ten files is fetched. Raises `UnsupportedError` for what is no table.
    """
    chosen = choose_files([each.key for each in listing.files], listing.prefix)
    keys = set(chosen.keys)
    files = [each for each in listing.files if each.key in keys]
    begun = fetch(objects, files[:1], FIRST)[0]
    kind = binary_kind(begun.data, begun.place)
    heads = fetch(objects, files, HEAD if kind is None else MARK, begun)
    path = listing.prefix.removeprefix(connection.location.key)
    settings, columns, findings = _read(connection, path, heads)
    seen = (*chosen.keys, *folders_seen)
    folders = find_folders(seen, listing.prefix, files=chosen.keys, columns=columns)
    hive: dict[str, pl.DataType] = {} if single else hive_columns(seen, listing.prefix)
    if "columns" in settings:
        settings["columns"] |= {name: type_name(dtype) for name, dtype in hive.items()}
    if folders.partitions is not None and not single:
        settings["partitions"] = folders.partitions
        hive |= _told_by_folders(folders.partitions)
    suffixes, told = _suffixes(settings["format"], chosen, single)
    if suffixes is not None:
        settings["suffixes"] = suffixes
    part = _PARTS.get(settings["format"], "")
    size = "" if part else f", {readable_bytes(sum(len(each.data) for each in heads))}"
    return Guess(
        {"path": path, **settings},
        type(columns)({**columns, **hive}),
        (*findings, *chosen.findings, *told, *(() if single else folders.findings)),
        f"looked at {part}{len(heads):,} of {listing.total}{size}",
        tuple(each.place for each in heads),
        single.key.rpartition("/")[2] if single else None,
        tuple(files[:FIRST_FILES]),
    )


def _told_by_folders(partitions: Mapping[str, Any]) -> dict[str, pl.DataType]:
    """Return the column that folders of dates tell, and no Hive folder has."""
    if "folders" not in partitions:
        return {}
    dated = DatedFolders(partitions["folders"], Every(partitions["every"]))
    return {partitions["column"]: dated.dtype()}


def _read(
    connection: S3Connection, path: str, heads: Sequence[Head]
) -> tuple[dict[str, Any], pl.Schema, list[Finding]]:
    """Return settings, columns and evidence by what the files themselves are."""
    kinds = {head.place: binary_kind(head.data, head.place) for head in heads}
    kind = kinds[heads[0].place]
    other = next((place for place, each in kinds.items() if each != kind), None)
    if other is not None:
        raise UnsupportedError(
            f"{heads[0].place} is {kind or 'text'}, and {other} is {kinds[other] or 'text'}",
            remedy="Guess a folder that has files of one format, or one file.",
            connection=connection.name,
        )
    if kind is None:
        from s3_assets.explore.text_table import guess_text_table

        return guess_text_table(connection, heads)
    from s3_assets.explore import footers

    root = f"s3://{connection.location.bucket}/"
    columns, findings = footers.columns_of(
        connection, path, kind, [head.place.removeprefix(root) for head in heads]
    )
    mark = Finding(
        "format", f"{count(len(heads), 'file')} with the mark of {kind.capitalize()} at the beginning"
    )
    return {"format": kind}, columns, [mark, *findings]


def _suffixes(kind: str, chosen: Chosen, single: ObjectInfo | None) -> tuple[list[str] | None, list[Finding]]:
    """Return the names that are data, where they are not those that the format takes by itself."""
    if single is not None:
        name = single.key.rpartition("/")[2]
        return [name], [Finding("suffixes", f"one file was asked for: {name} alone is data")]
    usual = settings_of(kind).model_fields["suffixes"].default
    if all(key.endswith(usual) for key in chosen.keys):
        return None, []
    if "" in chosen.suffixes:
        return [""], [Finding("suffixes", "the files' names have no ending: every file is data", doubt=True)]
    told = f"the files' names end with {' or '.join(chosen.suffixes)}"
    return list(chosen.suffixes), [Finding("suffixes", told)]
