"""Formats of rows in the conformance suite: written and read by Python's csv and json, and by fastavro."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import polars as pl
import zstandard

from s3_assets.tables.settings import AvroSettings
from s3_assets.tables.text_settings import CsvSettings, JsonLinesSettings, JsonSettings, TsvSettings
from tests.tables.formats import Format, Place, data_files, declare

Rows = Sequence[Mapping[str, Any]]
Encode = Callable[[Rows, pl.Schema], bytes]
Decode = Callable[[bytes], Rows]


def plain(value: Any) -> Any:
    """A value as JSON has it; delimited text writes it in the same letters."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def typed(value: Any, dtype: pl.DataType) -> Any:
    """A value of a file as the type's own Python value."""
    if value is None:
        return None
    if isinstance(dtype, pl.Struct):
        return {each.name: typed(value[each.name], each.dtype) for each in dtype.fields}  # type: ignore[arg-type]
    if isinstance(dtype, pl.List):
        return [typed(each, dtype.inner) for each in value]  # type: ignore[arg-type]
    if not isinstance(value, str):
        return Decimal(str(value)) if dtype.is_decimal() else value
    readers: list[tuple[bool, Callable[[str], Any]]] = [
        (dtype == pl.Boolean, lambda text: {"true": True, "false": False}[text]),
        (dtype.is_integer(), int),
        (dtype.is_float(), float),
        (dtype.is_decimal(), Decimal),
        (dtype == pl.Date, date.fromisoformat),
        (isinstance(dtype, pl.Datetime), datetime.fromisoformat),
    ]
    return next((read(value) for fits, read in readers if fits), value)


def delimited(delimiter: str) -> tuple[Encode, Decode]:
    def encode(rows: Rows, schema: pl.Schema) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(schema)
        for row in rows:
            values = [plain(row[column]) for column in schema]
            writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in values])
        return text.getvalue().encode()

    def decode(body: bytes) -> Rows:
        found = csv.DictReader(io.StringIO(body.decode(), newline=""), delimiter=delimiter)
        return [{name: value or None for name, value in row.items()} for row in found]

    return encode, decode


def _json_lines(rows: Rows, schema: pl.Schema) -> bytes:
    del schema
    return "".join(json.dumps(plain(dict(row))) + "\n" for row in rows).encode()


def _from_json_lines(body: bytes) -> Rows:
    return [json.loads(line, parse_float=Decimal) for line in body.decode().split("\n") if line]


def _json_array(rows: Rows, schema: pl.Schema) -> bytes:
    del schema
    return json.dumps([plain(dict(row)) for row in rows], indent=1).encode()


def _from_json_array(body: bytes) -> Rows:
    found: Rows = json.loads(body, parse_float=Decimal)
    return found


def avro_type(dtype: pl.DataType, name: str = "root") -> Any:
    """The Avro type of a Polars type, by the specification's table of logical types."""
    primitives = {
        "Boolean": "boolean",
        "Int8": "int",
        "Int16": "int",
        "Int32": "int",
        "Int64": "long",
        "Float32": "float",
        "Float64": "double",
        "String": "string",
        "Binary": "bytes",
        "Date": {"type": "int", "logicalType": "date"},
    }
    found: Any = primitives.get(str(dtype))
    if isinstance(dtype, pl.Datetime):
        local = "" if dtype.time_zone else "local-"
        found = {"type": "long", "logicalType": f"{local}timestamp-micros"}
    if isinstance(dtype, pl.Decimal):
        found = {
            "type": "bytes",
            "logicalType": "decimal",
            "precision": dtype.precision,
            "scale": dtype.scale,
        }
    if isinstance(dtype, pl.List):
        found = {"type": "array", "items": avro_type(dtype.inner, f"{name}_item")}  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        found = avro_record({each.name: each.dtype for each in dtype.fields}, name)  # type: ignore[misc]
    return ["null", found]


def avro_record(columns: Mapping[str, pl.DataType], name: str = "root") -> dict[str, Any]:
    fields = [
        {"name": each, "type": avro_type(dtype, f"{name}_{each}"), "default": None}
        for each, dtype in columns.items()
    ]
    return {"type": "record", "name": name, "fields": fields}


def _avro(rows: Rows, schema: pl.Schema) -> bytes:
    import fastavro

    body = io.BytesIO()
    fastavro.writer(body, avro_record(dict(schema)), [dict(row) for row in rows], codec="deflate")
    return body.getvalue()


def _from_avro(body: bytes) -> Rows:
    import fastavro

    found: Rows = [dict(row) for row in fastavro.reader(io.BytesIO(body))]  # type: ignore[arg-type]
    return found


def unpacked(key: str, body: bytes) -> bytes:
    if key.endswith(".gz"):
        return gzip.decompress(body)
    return zstandard.decompress(body) if key.endswith(".zst") else body


def row_format(
    name: str, settings: Any, suffix: str, coding: tuple[Encode, Decode], **declared: Any
) -> Format:
    encode, decode = coding

    def write(place: Place, rows: pl.DataFrame, folders: Sequence[str]) -> None:
        count = len(place.objects())
        parts = rows.partition_by(list(folders), as_dict=True) if folders else {(): rows}
        for number, (values, part) in enumerate(parts.items()):
            folder = "".join(
                f"{column}={quote(str(value), safe='')}/"
                for column, value in zip(folders, values, strict=True)
            )
            inside = part.drop(folders)
            place.put(
                f"{folder}foreign-{count + number:05d}{suffix}", encode(inside.to_dicts(), inside.schema)
            )

    def read(place: Place, schema: pl.Schema) -> pl.DataFrame:
        rows = list(_rows(place))
        values = {name: [typed(row.get(name), dtype) for row in rows] for name, dtype in schema.items()}
        return pl.DataFrame(values, schema=schema)

    def files(place: Place) -> dict[str, str]:
        return data_files(place, suffix, f"{suffix}.gz", f"{suffix}.zst")

    def _rows(place: Place) -> Iterator[dict[str, Any]]:
        for key in sorted(files(place)):
            segments = key.removeprefix(f"{place.path}/").split("/")[:-1]
            pairs = [segment.partition("=") for segment in segments]
            values = {unquote(column): unquote(value) for column, _, value in pairs}
            for row in decode(unpacked(key, place.get(key))):
                yield {**row, **values}

    if declared.get("declared"):
        declared["lacks"] = {
            "typed files": "text has no types: one that fits all its files is found for a column"
        }
    return Format(name, settings, write, read, files, suffix, keeps_schema=False, **declared)


NO_LISTS = "delimited text has no spelling for values inside values"
NO_BYTES = "text has no spelling for bytes"
IN_DELIMITED = {
    "binary": NO_BYTES,
    "list": NO_LISTS,
    "nested": NO_LISTS,
    "struct": NO_LISTS,
}
IN_JSON = {"binary": NO_BYTES, "float64": "JSON has no infinity (RFC 8259, section 6)"}
IN_AVRO = {"int8": "Avro's smallest integer has 32 bits", "int16": "Avro's smallest integer has 32 bits"}

AVRO = row_format("avro", declare(AvroSettings), ".avro", (_avro, _from_avro), lost_types=IN_AVRO)
CSV = row_format("csv", declare(CsvSettings), ".csv", delimited(","), declared=True, lost_types=IN_DELIMITED)
TSV = row_format("tsv", declare(TsvSettings), ".tsv", delimited("\t"), declared=True, lost_types=IN_DELIMITED)
JSONL = row_format(
    "jsonl",
    declare(JsonLinesSettings),
    ".jsonl",
    (_json_lines, _from_json_lines),
    declared=True,
    lost_types=IN_JSON,
)
JSON = row_format(
    "json",
    declare(JsonSettings),
    ".json",
    (_json_array, _from_json_array),
    declared=True,
    lost_types=IN_JSON,
)
