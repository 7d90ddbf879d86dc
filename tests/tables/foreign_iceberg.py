"""An Iceberg table as other writers leave it: metadata, manifests and files written by hand from the spec.

No catalog and no Iceberg library has a part in it, so that it can have what no writer at hand writes: deletes
by position and by equality, deletion vectors, version 1 and 3, odd paths.
"""

import gzip
import io
import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from tests.tables.formats import Place

EXISTING, ADDED, DELETED = 0, 1, 2
DATA, POSITIONS, EQUALITY = 0, 1, 2
PATH_FIELD, POSITION_FIELD = 2147483546, 2147483545
START = 1_700_000_000_000

ARROW = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "timestamp_ns": pa.timestamp("ns"),
    "timestamptz_ns": pa.timestamp("ns", "UTC"),
    "string": pa.string(),
    "uuid": pa.binary(16),
    "binary": pa.binary(),
}

Field = dict[str, Any]


def column(number: int, name: str, kind: Any, **more: Any) -> Field:
    """A column as the metadata has it."""
    return {"id": number, "name": name, "type": kind, "required": False, **more}


def arrow_type(kind: Any) -> pa.DataType:
    """The Arrow type of an Iceberg type as JSON."""
    if isinstance(kind, str):
        if kind.startswith("decimal"):
            precision, scale = kind[len("decimal(") : -1].split(",")
            return pa.decimal128(int(precision), int(scale))
        return pa.binary(int(kind[len("fixed[") : -1])) if kind.startswith("fixed") else ARROW[kind]
    if kind["type"] == "struct":
        return pa.struct([arrow_field(each) for each in kind["fields"]])
    if kind["type"] == "list":
        return pa.list_(arrow_field(column(kind["element-id"], "element", kind["element"])))
    key = arrow_field({**column(kind["key-id"], "key", kind["key"]), "required": True})
    return pa.map_(key, arrow_field(column(kind["value-id"], "value", kind["value"])))


def arrow_field(told: Field) -> pa.Field:
    """The Arrow field, with its id."""
    return pa.field(
        told["name"],
        arrow_type(told["type"]),
        nullable=not told["required"],
        metadata={"PARQUET:field_id": str(told["id"])},
    )


@dataclass
class Entry:
    """A file in a manifest."""

    record: dict[str, Any]
    spec: int
    sequence: int
    snapshot: int


@dataclass
class ForeignTable:
    """A table below the place's folder; `save` makes what was committed visible."""

    place: Place
    columns: list[Field]
    spec: list[dict[str, Any]] = field(default_factory=list)
    version: int = 2
    scheme: str = "s3"
    slash: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    has_uuid: bool = True
    compressed: bool = False
    summarized: bool = True

    def __post_init__(self) -> None:
        self.schemas = [self.columns]
        self.specs = [self.spec]
        self.snapshots: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.commits = 0
        self.live: dict[str, Entry] = {}
        self.current = -1
        self._numbers = count(1)
        self._saved = count(1)

    @property
    def root(self) -> str:
        return f"{self.scheme}://{self.place.bucket}/{self.place.path}"

    @property
    def sequence(self) -> int:
        return self.commits if self.version > 1 else 0

    def evolve(self, columns: list[Field]) -> None:
        """Make these the current columns."""
        self.schemas.append(columns)

    def respec(self, spec: list[dict[str, Any]]) -> None:
        """Make this the current partition spec."""
        self.specs.append(spec)

    def file(
        self,
        rows: Sequence[Mapping[str, Any]] | pa.Table,
        *,
        content: int = DATA,
        columns: list[Field] | None = None,
        partition: Sequence[Any] = (),
        spec: int | None = None,
        path: str | None = None,
        bounds: bool = True,
        **more: Any,
    ) -> Entry:
        """Write a Parquet file; `more` are fields of its record, such as `equality_ids`."""
        told = columns if columns is not None else self.schemas[-1]
        schema = pa.schema([arrow_field(each) for each in told])
        table = (
            rows.cast(schema)
            if isinstance(rows, pa.Table)
            else pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
        )
        buffer = io.BytesIO()
        pq.write_table(table, buffer, row_group_size=more.pop("row_group_size", None))
        key = path or f"data/{next(self._numbers):05d}.parquet"
        record = {
            **self.put(key, buffer.getvalue(), spec=spec, partition=partition),
            "content": content,
            "record_count": len(table),
            **(self._bounds(told, table) if bounds else {}),
            **more,
        }
        return Entry(record, self._spec(spec), 0, 0)

    def positions(self, deleted: Iterable[tuple[Entry, int]], *, limited: bool, **more: Any) -> Entry:
        """Write a position delete file; `limited` says by its bounds that it is of one data file."""
        rows = sorted(
            ({"file_path": entry.record["file_path"], "pos": number} for entry, number in deleted),
            key=lambda row: (row["file_path"], row["pos"]),
        )
        columns = [
            {**column(PATH_FIELD, "file_path", "string"), "required": True},
            {**column(POSITION_FIELD, "pos", "long"), "required": True},
        ]
        return self.file(rows, content=POSITIONS, columns=columns, bounds=limited, **more)

    def vector(self, data: Entry, deleted: Iterable[int], **more: Any) -> Entry:
        """Write a Puffin file with one deletion vector (Puffin Spec, "deletion-vector-v1")."""
        from pyroaring import BitMap

        positions = BitMap(deleted)
        bitmap = struct.pack("<q", 1) + struct.pack("<i", 0) + positions.serialize()
        framed = b"\xd1\xd3\x39\x64" + bitmap
        blob = struct.pack(">i", len(framed)) + framed + struct.pack(">I", zlib.crc32(framed))
        path = data.record["file_path"]
        footer = json.dumps(
            {
                "blobs": [
                    {
                        "type": "deletion-vector-v1",
                        "fields": [2147483645],
                        "snapshot-id": -1,
                        "sequence-number": -1,
                        "offset": 4,
                        "length": len(blob),
                        "properties": {"referenced-data-file": path, "cardinality": str(len(positions))},
                    }
                ]
            }
        ).encode()
        body = b"PFA1" + blob + b"PFA1" + footer + struct.pack("<i", len(footer)) + bytes(4) + b"PFA1"
        record = {
            **self.put(f"data/{next(self._numbers):05d}.puffin", body, **more),
            "content": POSITIONS,
            "file_format": "PUFFIN",
            "record_count": len(positions),
            "referenced_data_file": path,
            "content_offset": 4,
            "content_size_in_bytes": len(blob),
        }
        return Entry(record, data.spec, 0, 0)

    def put(
        self, key: str, body: bytes, *, spec: int | None = None, partition: Sequence[Any] = ()
    ) -> dict[str, Any]:
        """Write an object below the table, or at an absolute URL, and begin its record."""
        url = key if "://" in key else f"{self.root}/{key}"
        self._put(url, body)
        names = [each["name"] for each in self.specs[self._spec(spec)]]
        return {
            "file_path": url,
            "file_format": "PARQUET",
            "partition": dict(zip(names, partition, strict=True)),
            "file_size_in_bytes": len(body),
        }

    def commit(
        self,
        operation: str,
        added: Sequence[Entry] = (),
        removed: Sequence[Entry] = (),
        *,
        schema: int | None = None,
        parent: int | None = None,
    ) -> int:
        """Add a snapshot and make it the current one; returns its id."""
        identity = 1000 + self.commits
        self.commits += 1
        self.snapshots.append({})
        sequence = self.sequence
        gone = {each.record["file_path"] for each in removed}
        entries = [
            *((DELETED if path in gone else EXISTING, each) for path, each in self.live.items()),
            *((ADDED, each) for each in added),
        ]
        for each in added:
            each.sequence, each.snapshot = sequence, identity
            self.live[each.record["file_path"]] = each
        for path in gone:
            del self.live[path]
        manifests: list[dict[str, Any]] = []
        kinds = sorted({(each.spec, min(each.record.get("content", 0), 1)) for _, each in entries})
        for spec, kind in kinds:
            chosen = [
                (status, each)
                for status, each in entries
                if (each.spec, min(each.record.get("content", 0), 1)) == (spec, kind)
            ]
            for statuses in ((ADDED,), (EXISTING, DELETED)):
                part = [(status, each) for status, each in chosen if status in statuses]
                if part:
                    name = f"metadata/{identity}-m{len(manifests)}.avro"
                    manifests.append(self._manifest(name, part, spec, kind, identity, sequence))
        listing = f"{self.root}/metadata/snap-{identity}.avro"
        self._put(listing, _avro(_manifest_list_schema(self.version), manifests, {}))
        self.snapshots[-1] = {
            "snapshot-id": identity,
            **(
                {"parent-snapshot-id": self.current if parent is None else parent} if self.current > 0 else {}
            ),
            **({"sequence-number": sequence} if self.version > 1 else {}),
            "timestamp-ms": START + 1000 * self.commits,
            "manifest-list": listing,
            "summary": {"operation": operation, **(self._totals() if self.summarized else {})},
            "schema-id": len(self.schemas) - 1 if schema is None else schema,
            **({"first-row-id": 0, "added-rows": 0} if self.version > 2 else {}),
        }
        self.log.append({"snapshot-id": identity, "timestamp-ms": self.snapshots[-1]["timestamp-ms"]})
        self.current = identity
        return identity

    def save(self, **overrides: Any) -> None:
        """Write the metadata file and its hint."""
        number = next(self._saved)
        last_column = max(each["id"] for columns in self.schemas for each in columns) + 1000
        metadata = {
            "format-version": self.version,
            **({"table-uuid": str(uuid5(NAMESPACE_URL, self.root))} if self.has_uuid else {}),
            "location": self.root + self.slash,
            "last-updated-ms": START + 1000 * self.commits,
            "last-column-id": last_column,
            "schemas": [
                {"type": "struct", "schema-id": index, "fields": columns}
                for index, columns in enumerate(self.schemas)
            ],
            "current-schema-id": len(self.schemas) - 1,
            "partition-specs": [
                {"spec-id": index, "fields": fields} for index, fields in enumerate(self.specs)
            ],
            "default-spec-id": len(self.specs) - 1,
            "last-partition-id": max([999, *(each["field-id"] for spec in self.specs for each in spec)]),
            "sort-orders": [{"order-id": 0, "fields": []}],
            "default-sort-order-id": 0,
            "properties": self.properties,
            "current-snapshot-id": self.current,
            "snapshots": self.snapshots,
            "snapshot-log": self.log,
            "metadata-log": [],
            **({"last-sequence-number": self.sequence} if self.version > 1 else {}),
            **({"next-row-id": 0} if self.version > 2 else {}),
            **overrides,
        }
        if self.version == 1:
            metadata["schema"] = metadata["schemas"][-1]
            metadata["partition-spec"] = self.specs[-1]
        body = json.dumps(metadata).encode()
        suffix = ".gz.metadata.json" if self.compressed else ".metadata.json"
        name = f"v{number}{suffix}"
        self._put(f"{self.root}/metadata/{name}", gzip.compress(body) if self.compressed else body)
        self._put(f"{self.root}/metadata/version-hint.text", str(number).encode())

    def _totals(self) -> dict[str, str]:
        records = [each.record for each in self.live.values()]
        data = [record for record in records if not record.get("content")]
        totals = {
            "data-files": len(data),
            "delete-files": len(records) - len(data),
            "files-size": sum(record["file_size_in_bytes"] for record in records),
            "records": sum(record["record_count"] for record in data),
        }
        return {f"total-{name}": str(total) for name, total in totals.items()}

    def _spec(self, spec: int | None) -> int:
        return len(self.specs) - 1 if spec is None else spec

    def _put(self, url: str, body: bytes) -> None:
        bucket, _, key = url.partition("://")[2].partition("/")
        self.place.client.put_object(Bucket=bucket, Key=key, Body=body)

    def _bounds(self, columns: list[Field], table: pa.Table) -> dict[str, Any]:
        """Bounds and counts of plain columns (Iceberg Table Spec, "Binary single-value serialization")."""
        lower: list[dict[str, Any]] = []
        upper: list[dict[str, Any]] = []
        nulls, values = [], []
        for each in columns:
            found = [value for value in table[each["name"]].to_pylist() if value is not None]
            nulls.append({"key": each["id"], "value": len(table) - len(found)})
            values.append({"key": each["id"], "value": len(table)})
            if found and isinstance(each["type"], str) and each["type"] in PACKED:
                raw = table[each["name"]].combine_chunks().drop_null()
                plain = raw.cast(PACKED[each["type"]][0]).to_pylist()
                code = PACKED[each["type"]][1]
                for bounds, value in ((lower, min(plain)), (upper, max(plain))):
                    packed = value.encode() if code is None else struct.pack(code, value)
                    bounds.append({"key": each["id"], "value": packed})
        return {
            "lower_bounds": lower,
            "upper_bounds": upper,
            "null_value_counts": nulls,
            "value_counts": values,
        }

    def _manifest(
        self, name: str, entries: list[tuple[int, Entry]], spec: int, kind: int, snapshot: int, sequence: int
    ) -> dict[str, Any]:
        fields = self.specs[spec]
        content = "deletes" if kind else "data"
        meta = {
            "schema": json.dumps({"type": "struct", "schema-id": 0, "fields": self.schemas[-1]}),
            "schema-id": "0",
            "partition-spec": json.dumps(fields),
            "partition-spec-id": str(spec),
            "format-version": str(self.version),
            "content": content,
        }
        records = [
            {
                "status": status,
                "snapshot_id": snapshot if status != EXISTING else entry.snapshot,
                # What is added takes the manifest's own number.
                "sequence_number": None if status == ADDED else entry.sequence,
                "file_sequence_number": None if status == ADDED else entry.sequence,
                "data_file": entry.record,
            }
            for status, entry in entries
        ]
        body = _avro(_manifest_schema(self.version, fields), records, meta)
        path = f"{self.root}/{name}"
        self._put(path, body)
        counts = {
            status: sum(found == status for found, _ in entries) for status in (EXISTING, ADDED, DELETED)
        }
        rows = {
            status: sum(each.record["record_count"] for found, each in entries if found == status)
            for status in counts
        }
        return {
            "manifest_path": path,
            "manifest_length": len(body),
            "partition_spec_id": spec,
            "content": kind,
            "sequence_number": sequence,
            "min_sequence_number": min(each.sequence for _, each in entries),
            "added_snapshot_id": snapshot,
            "added_files_count": counts[ADDED],
            "existing_files_count": counts[EXISTING],
            "deleted_files_count": counts[DELETED],
            "added_rows_count": rows[ADDED],
            "existing_rows_count": rows[EXISTING],
            "deleted_rows_count": rows[DELETED],
        }


PACKED: dict[str, tuple[pa.DataType, str | None]] = {
    "int": (pa.int32(), "<i"),
    "long": (pa.int64(), "<q"),
    "date": (pa.int32(), "<i"),
    "timestamp": (pa.int64(), "<q"),
    "timestamptz": (pa.int64(), "<q"),
    "string": (pa.string(), None),
}


def _avro(schema: dict[str, Any], records: Sequence[dict[str, Any]], meta: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), records, metadata=dict(meta), codec="deflate")
    return buffer.getvalue()


def _required(number: int, name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "field-id": number}


def _optional(number: int, name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", kind], "default": None, "field-id": number}


def _map(name: str, key: int, value: int, kind: str) -> dict[str, Any]:
    item = {
        "type": "record",
        "name": f"k{key}_v{value}",
        "fields": [_required(key, "key", "int"), _required(value, "value", kind)],
    }
    return {"type": "array", "items": item, "logicalType": "map"}


PARTITION_TYPES: dict[str, Any] = {
    "date": {"type": "int", "logicalType": "date"},
    "timestamp": {"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": False},
    "timestamptz": {"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": True},
}


def _manifest_schema(version: int, spec: list[dict[str, Any]]) -> dict[str, Any]:
    partition = {
        "type": "record",
        "name": "r102",
        "fields": [
            _optional(each["field-id"], each["name"], PARTITION_TYPES.get(each["as"], each["as"]))
            for each in spec
        ],
    }
    file = [
        *([_required(134, "content", "int")] if version > 1 else []),
        _required(100, "file_path", "string"),
        _required(101, "file_format", "string"),
        _required(102, "partition", partition),
        _required(103, "record_count", "long"),
        _required(104, "file_size_in_bytes", "long"),
        *([{**_required(105, "block_size_in_bytes", "long"), "default": 0}] if version == 1 else []),
        _optional(109, "value_counts", _map("value_counts", 119, 120, "long")),
        _optional(131, "key_metadata", "bytes"),
        _optional(110, "null_value_counts", _map("null_value_counts", 121, 122, "long")),
        _optional(125, "lower_bounds", _map("lower_bounds", 126, 127, "bytes")),
        _optional(128, "upper_bounds", _map("upper_bounds", 129, 130, "bytes")),
        *(
            [
                _optional(135, "equality_ids", {"type": "array", "items": "int", "element-id": 136}),
                _optional(143, "referenced_data_file", "string"),
            ]
            if version > 1
            else []
        ),
        *(
            [_optional(144, "content_offset", "long"), _optional(145, "content_size_in_bytes", "long")]
            if version > 2
            else []
        ),
    ]
    numbers = [_optional(3, "sequence_number", "long"), _optional(4, "file_sequence_number", "long")]
    return {
        "type": "record",
        "name": "manifest_entry",
        "fields": [
            _required(0, "status", "int"),
            _optional(1, "snapshot_id", "long"),
            *(numbers if version > 1 else []),
            _required(2, "data_file", {"type": "record", "name": "r2", "fields": file}),
        ],
    }


def _manifest_list_schema(version: int) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "manifest_file",
        "fields": [
            _required(500, "manifest_path", "string"),
            _required(501, "manifest_length", "long"),
            _required(502, "partition_spec_id", "int"),
            *(
                [
                    _required(517, "content", "int"),
                    _required(515, "sequence_number", "long"),
                    _required(516, "min_sequence_number", "long"),
                ]
                if version > 1
                else []
            ),
            _required(503, "added_snapshot_id", "long"),
            _required(504, "added_files_count", "int"),
            _required(505, "existing_files_count", "int"),
            _required(506, "deleted_files_count", "int"),
            _required(512, "added_rows_count", "long"),
            _required(513, "existing_rows_count", "long"),
            _required(514, "deleted_rows_count", "long"),
        ],
    }
