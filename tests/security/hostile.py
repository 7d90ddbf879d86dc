"""Kinds of input that somebody else makes, each with real ones to begin from and with what reads it."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from s3_assets.connection import S3Connection
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.objects import Objects
from s3_assets.tables.open import open_table
from tests.security.mutations import mutated

DATA = Path(__file__).parents[1] / "data"
_PATHS = (
    *(
        b"../",
        b"..",
        b"//",
        b"/etc/passwd",
        b"file:///etc/passwd",
        b"http://169.254.169.254/",
        b"s3://other/",
    ),
    *(b"\x00", b"\x1b[2J", b"\xff\xfe", b"\xed\xa0\x80", "\u202e".encode(), b"%2e%2e%2f", b"\r\n"),
)
_JSON = (
    *(
        b"null",
        b"true",
        b"-1",
        b"1e999",
        b"9" * 400,
        b"9" * 5000,
        b'""',
        b"{}",
        b"[]",
        b"[" * 2000,
        b'{"a":' * 2000,
    ),
    *(b'"\\ud800"', b'"\\u0000"', b",", b":", b'"', b"\\", *_PATHS),
)
_PARQUET = (b"PAR1", b"PARE", b"\x15", b"\x19\xfc", b"\x2c", b"\x00" * 8, b"\xff" * 8, b"ARROW:schema")
_AVRO = (
    *(
        b"Obj\x01",
        b"avro.schema",
        b"avro.codec",
        b"null",
        b"deflate",
        b"snappy",
        b"zstandard",
        b"bzip2",
        b"xz",
    ),
    *(b'"type"', b'"record"', b'"array"', b'"map"', b'"enum"', b'"fixed"', b'"int"', b'"string"', b'"items"'),
    *(b'"logicalType":"decimal"', b'"size":', b'"fields"', b'"name"', b"[", b"]", b"{", b"}", *_JSON),
)
_TEXT = (
    b",",
    b'"',
    b'""',
    b"\n",
    b"\r",
    b"\r\n",
    b"\x00",
    b"\t",
    b";",
    b"\\",
    b"'",
    b"\xff",
    b"\xef\xbb\xbf",
    *_PATHS,
)
_YAML = (
    *(
        b"!!python/object/apply:os.system ['true']",
        b"!!timestamp x",
        b"!!int ''",
        b"!!bool x",
        b"!!binary '#'",
    ),
    *(b"&a ", b"*a", b"<<: ", b"[", b"{", b"- ", b"? ", b"|", b">", b"%YAML 9.9\n", b"---\n", b"...", b"\t"),
    *(b"{env: X}", b"{{ x }}", b"null", b"~", b"0o7", b"0x", b"1:2:3", b"[" * 300, *_PATHS),
)


@dataclass(frozen=True)
class Kind:
    """One kind of input: `read` is given its bytes, a place of its own, and the dice for what is chosen."""

    name: str
    seeds: Callable[[], Sequence[bytes]]
    tokens: Sequence[bytes]
    read: Callable[["Reading", bytes], None]

    def input(self, number: int) -> tuple[Random, bytes]:
        """The input of that number, and the dice as they lie then."""
        random = Random(f"{self.name} {number}")  # noqa: S311 - the same input each time
        return random, mutated(random, self.seeds(), self.tokens)


@dataclass(frozen=True)
class Reading:
    """Where one input is read: a folder of its own."""

    connection: S3Connection
    folder: str
    random: Random

    def put(self, name: str, body: bytes) -> None:
        Objects(self.connection).put(self.key(name), body)

    def key(self, name: str) -> str:
        return f"{self.connection.location.key}{self.folder}/{name}"

    def rows(self, **settings: Any) -> None:
        """Look at the table as a command does, or read all of it as an import does."""
        from pydantic import TypeAdapter

        from s3_assets.explore.looks import first_rows
        from s3_assets.tables.any_settings import AnyTableSettings
        from s3_assets.tables.naming import naming

        told = {"connection": "lake", "path": self.folder, **settings}
        table: Any = open_table(
            "hostile", TypeAdapter[Any](AnyTableSettings).validate_python(told), self.connection
        )
        if self.random.random() < 0.5:
            first_rows(table, 20)
        else:
            # As an import does that reads for its engine.
            with naming(table), diagnosed(self.connection, table.location.url, OSError):
                table.plan().frame.collect(engine="streaming")


def _files(pattern: str) -> Sequence[bytes]:
    return [path.read_bytes() for path in sorted(DATA.glob(pattern))]


def _folder(suffix: str, **settings: Sequence[Any]) -> Callable[[Reading, bytes], None]:
    def read(reading: Reading, body: bytes) -> None:
        reading.put(f"a{suffix}", body)
        reading.rows(**{name: reading.random.choice(choices) for name, choices in settings.items()})

    return read


def _guess(reading: Reading, body: bytes) -> None:
    from s3_assets.explore import guess

    reading.put(
        f"a{reading.random.choice(('.csv', '.json', '.parquet', '.avro', '.txt.gz', '.zip', ''))}", body
    )
    found = guess.guess(reading.connection, reading.key(""))
    guess.opened(reading.connection, found).plan()


@cache
def _csv() -> Sequence[bytes]:
    rows = [f'{n},"row ""{n}""",{n / 4},2026-01-{n % 28 + 1:02d}' for n in range(40)]
    plain = "\n".join(["id,text,price,day", *rows]).encode()
    return [
        plain,
        plain.replace(b"\n", b"\r\n"),
        plain.replace(b",", b";"),
        plain.decode().encode("utf-16"),
        b"a\n1\n",
    ]


@cache
def _jsonl() -> Sequence[bytes]:
    rows = [{"id": n, "text": "ü" * (n % 5), "in": {"a": [n, None], "b": n / 3}} for n in range(30)]
    lines = "\n".join(map(json.dumps, rows)).encode()
    return [lines, json.dumps(rows).encode(), json.dumps(rows, indent=1).encode(), b'{"a": 1}\n{"a": "x"}\n']


@cache
def _packed() -> Sequence[bytes]:
    import zstandard

    text = _csv()[0]
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.csv", "folder/b.csv"):
            archive.writestr(zipfile.ZipInfo(name), text)
    with tarfile.open(fileobj=tarred, mode="w") as archive_of_tar:
        for name in ("a.csv", "long/" * 30 + "b.csv"):
            told = tarfile.TarInfo(name)
            told.size = len(text)
            archive_of_tar.addfile(told, io.BytesIO(text))
    tar = tarred.getvalue()
    return [
        *(gzip.compress(text, mtime=0), bz2.compress(text), zstandard.compress(text), zipped.getvalue(), tar),
        *(gzip.compress(tar, mtime=0), lzma.compress(text)),
    ]


_ARCHIVES = (
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"ustar",
    b"x",
    b"L",
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\x28\xb5\x2f\xfd",
    *_PATHS,
)


def _delta_log(reading: Reading, body: bytes) -> None:
    for path in sorted((DATA / "delta" / "delta-0.8.0-date").rglob("*")):
        name = path.relative_to(DATA / "delta" / "delta-0.8.0-date").as_posix()
        if path.is_file() and not name.endswith(".crc"):
            reading.put(name, body if name.endswith("0.json") else path.read_bytes())
    from s3_assets.tables.delta_history import past_commit

    table: Any = open_table("hostile", _settings("delta", reading), reading.connection)
    if reading.random.random() < 0.3:
        past_commit(table, 0)
        table.touched(None)
    reading.rows(format="delta")


def _settings(format_: str, reading: Reading, **more: Any) -> Any:
    from pydantic import TypeAdapter

    from s3_assets.tables.any_settings import AnyTableSettings

    told = {"connection": "lake", "path": reading.folder, "format": format_, **more}
    return TypeAdapter[Any](AnyTableSettings).validate_python(told)


@cache
def _iceberg() -> dict[str, bytes]:
    """A table of two snapshots: its files by their paths, with `s3://bucket/table/` for its place."""
    import tempfile

    import polars as pl
    from pyiceberg.catalog.memory import InMemoryCatalog

    with tempfile.TemporaryDirectory() as folder:
        catalog = InMemoryCatalog("hostile", warehouse=f"file://{folder}")
        catalog.create_namespace("a")
        rows = pl.DataFrame({"id": [1, 2, 3], "text": ["a", None, "c"]}).to_arrow()
        table = catalog.create_table("a.b", rows.schema, location=f"file://{folder}/table")
        table.append(rows)
        table.append(rows)
        newest = Path(table.metadata_location.removeprefix("file://")).name
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }
        catalog.close()
    found["hint"] = newest.encode()
    found["root"] = f"file://{folder}/table".encode()
    return found


def _iceberg_metadata(reading: Reading, body: bytes) -> None:
    """The newest metadata is hostile, or one of the manifests that it leads to."""
    found = _iceberg()
    newest, root = found["hint"].decode(), found["root"]
    here = f"s3://{reading.connection.location.bucket}/{reading.key('')}".rstrip("/").encode()
    avro = body.startswith(b"Obj")
    target = reading.random.choice([name for name in found if name.endswith(".avro")]) if avro else ""
    for name, content in found.items():
        if not name.startswith("table/"):
            continue
        short = name.removeprefix("table/")
        if short == f"metadata/{newest}":
            put = (content if avro else body).replace(root, here)
        elif name == target:
            put = body
        else:
            # The paths in manifests stay those of the local disk: whoever gets so far has to refuse them.
            put = content
        reading.put(short, put)
    reading.put("metadata/version-hint.text", found["hint"])
    reading.rows(format="iceberg", path="", warehouse_path=reading.folder)


def _iceberg_seeds() -> Sequence[bytes]:
    found = _iceberg()
    manifests = [content for name, content in found.items() if name.endswith(".avro")]
    metadata = found[f"table/metadata/{found['hint'].decode()}"]
    return [metadata, metadata, metadata, *manifests]


_OWN = {
    "cursor": {
        "schema_version": 2,
        "stream": "s",
        "previous": 3,
        "position": {"kind": "version", "version": 4, "table_id": "x"},
        "segments": [{"number": 5, "files": 1}],
    },
    "mark": {"pinned": 3, "span": '{"column": "day", "low": "a", "high": "b"}'},
    "entry": {
        "schema_version": 1,
        "mode": "append",
        "attempt": 5,
        "oldest": 1,
        "staging": "_s3_assets/staging/5/",
        "moves": [{"part": "a.parquet", "file": "part-5.parquet", "rows": 1, "bytes": 4}],
        "removals": ["old.parquet"],
        "stamps": {"s": 4},
        "notes": {"a": "b"},
    },
    "export": {
        "schema_version": 1,
        "mode": "append",
        "attempt": 5,
        "oldest": 1,
        "lane": "l",
        "unit": "u",
        "pattern": ["out/a", ".csv"],
        "removals": ["out/b"],
        "manifest": "out/m",
        "told": {"files": []},
        "files": [{"upload": {"key": "out/a", "upload_id": "u", "parts": []}, "rows": 1, "replaces": False}],
        "replaced": [],
        "flags": ["out/_SUCCESS"],
        "success": None,
        "acl": None,
        "stamps": {"s": 4},
        "before": {},
        "previous": None,
        "notes": {},
    },
}


def _own(reading: Reading, body: bytes) -> None:
    """Files of our own below `_s3_assets/`, as somebody left them who may write there."""
    from s3_assets.exports.destination import Destination
    from s3_assets.exports.intents import Intents
    from s3_assets.exports.log import log_folder, log_of
    from s3_assets.exports.manifest import read_manifest
    from s3_assets.incremental.attempts import Attempts
    from s3_assets.incremental.cursor import Cursors
    from s3_assets.incremental.ledger import Segment, read_ledger
    from s3_assets.incremental.stream_files import StreamFiles
    from s3_assets.tables.folder_log import FOLDER, FolderLog

    connection, objects = reading.connection, Objects(reading.connection)
    table = connection.location.folder(reading.folder)
    which = reading.random.randrange(6)
    if which == 0:
        cursors = Cursors(connection, table, "s")
        objects.put(f"{cursors.folder}5.json", body)
        cursors.survey(cursors.load(5))
    elif which == 1:
        files = StreamFiles(connection, table, "s")
        objects.put(files.key(5, "ledger"), body)
        read_ledger(files, (Segment(5, 1),))
    elif which == 2:
        objects.put(f"{table.key}{FOLDER}commit-{7:020d}.json", body)
        FolderLog(objects, table).head()
    elif which == 3:
        destination = Destination(connection, reading.folder, "out")
        objects.put(f"{log_folder(destination)}commit-{7:020d}.json", body)
        log_of(destination).head()
    elif which == 4:
        destination = Destination(connection, reading.folder, "out")
        objects.put(f"{destination.folder}m.json", body)
        read_manifest(destination, f"{destination.folder}m.json")
        objects.put(f"{destination.folder}intents/5-0123456789ab.json", body)
        intents = Intents(destination)
        intents.read(intents.marks())
    else:
        settings = _settings("parquet", reading)
        attempts = Attempts(open_table("hostile", settings, connection))
        objects.put(f"{table.key}_s3_assets/s3_assets%2Foverwrite/5.json", body)
        attempts._read(5)


def _registry(reading: Reading, body: bytes) -> None:
    from s3_assets.registry.loading import parse_registry

    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    parse_registry(text, Path("/nowhere/s3_assets.yaml"), {"X": "x"})


def _openmetadata(reading: Reading, body: bytes) -> None:
    from s3_assets.explore.openmetadata import read_manifest

    read_manifest(body.decode(errors="replace"), "openmetadata.json")


def _message(reading: Reading, body: bytes) -> None:
    from s3_assets.notifications.events import read_events

    read_events(body.decode(errors="surrogateescape"))


def _messages() -> Sequence[bytes]:
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b%2B"}}}
    s3 = json.dumps({"Records": [record]})
    bridge = {"source": "aws.s3", "detail-type": "Object Created", "detail": record["s3"]}
    return [s3.encode(), json.dumps({"TopicArn": "t", "Message": s3}).encode(), json.dumps(bridge).encode()]


@cache
def _pictures() -> Sequence[bytes]:
    from PIL import Image

    found = []
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP"):
        out = io.BytesIO()
        Image.new("RGB", (9, 5), "red").save(out, kind)
        found.append(out.getvalue())
    wav = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0"
    wav += b"data\x04\0\0\0\0\0\0\0"
    mvhd = b"\0\0\0\x1cmvhd\0\0\0\0" + b"\0" * 8 + b"\0\0\x03\xe8\0\0\x0b\xb8"
    mp4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x24moov" + mvhd
    flac = b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0" + bytes.fromhex("0ac442f00000a000") + b"\0" * 16
    return [*found, wav, mp4, flac]


def _media(reading: Reading, body: bytes) -> None:
    from s3_assets.media.durations import duration
    from s3_assets.media.found_types import found_type
    from s3_assets.media.header import Header
    from s3_assets.media.images import image_size
    from s3_assets.media.preview import _small

    kind = found_type(body)
    size = reading.random.choice((len(body), 2**40))
    for read in (image_size, duration):
        read(kind, Header(body[:512], size, lambda start, end: body[start:end]))
    if kind is not None and kind.startswith("image/"):
        try:
            _small(body, kind)
        except (OSError, ValueError):
            # As the preview itself takes it: no picture behind its header.
            return


def _key(reading: Reading, body: bytes) -> None:
    """A name of an object, as anybody may give it: listed, read, shown to a person and to a page."""
    from s3_assets.cli.visible import visible
    from s3_assets.explore.guess import guess
    from s3_assets.metadata.markdown import plain

    name = body.decode(errors="replace")[:200]
    objects = Objects(reading.connection)
    objects.put(reading.key(f"{name}.csv"), _csv()[0])
    objects.list_frame(reading.key(""))
    assert visible(name).replace("\n", "").replace("\t", "").isprintable() or "\x1b" not in visible(name)
    assert not set(plain(name)) & set("<>|`[]")
    guess(reading.connection, reading.key(""))
    reading.rows(format="csv")


_COMPRESSION = ("auto", "auto", "auto", "gzip", "bzip2", "zip", "zstd", "none")
_BAD_ROWS = ("fail", "skip", "skip")

KINDS = (
    Kind("avro", lambda: _files("avro/*.avro"), _AVRO, _folder(".avro", format=("avro",))),
    Kind("parquet", lambda: _files("parquet/*.parquet"), _PARQUET, _folder(".parquet", format=("parquet",))),
    Kind(
        "csv",
        _csv,
        _TEXT,
        _folder(
            ".csv",
            format=("csv",),
            on_bad_row=_BAD_ROWS,
            header=(True, True, False),
            charset=("utf-8", "utf-8", "utf-16", "latin-1", "shift_jis"),
            escape=(None, None, "\\"),
            delimiter=(",", ";"),
        ),
    ),
    Kind("jsonl", _jsonl, _JSON, _folder(".jsonl", format=("jsonl",), on_bad_row=_BAD_ROWS)),
    Kind("json", _jsonl, _JSON, _folder(".json", format=("json",), on_bad_row=_BAD_ROWS)),
    Kind(
        "packed",
        _packed,
        _ARCHIVES,
        _folder(".csv", format=("csv",), on_bad_row=_BAD_ROWS, compression=_COMPRESSION),
    ),
    Kind("delta log", lambda: _files("delta/delta-0.8.0-date/_delta_log/*0.json"), _JSON, _delta_log),
    Kind("iceberg", _iceberg_seeds, (*_JSON, *_AVRO), _iceberg_metadata),
    Kind("own files", lambda: [json.dumps(each).encode() for each in _OWN.values()], _JSON, _own),
    Kind("registry", lambda: [(DATA.parents[1] / "s3_assets.yaml").read_bytes()], _YAML, _registry),
    Kind("openmetadata", lambda: _files("openmetadata/*.json"), _JSON, _openmetadata),
    Kind("message", _messages, _JSON, _message),
    Kind("media", _pictures, (b"IHDR", b"RIFF", b"moov", b"mvhd", b"\xff\xd8", b"\xff\xc0"), _media),
    Kind(
        "key",
        lambda: [b"folder/name", "größe €/x y".encode(), b"year=2026/month=1/a"],
        (*_TEXT, b"<script>", b"|"),
        _key,
    ),
    Kind(
        "guess",
        lambda: [*_csv(), *_jsonl(), *_packed(), *_files("avro/*.avro"), *_files("parquet/*.parquet")],
        (*_TEXT, *_ARCHIVES),
        _guess,
    ),
)
