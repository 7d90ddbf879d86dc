"""DuckDB and dlt: they run in an environment of their own, which knows nothing of s3-assets."""

import json
from collections.abc import Mapping
from typing import Any

BUCKET = "benchmark"
REGION = "us-east-1"
_EXTENSIONS = {"delta": ("delta",), "avro": ("avro",), "iceberg": ("avro", "iceberg")}
_SCANS = {
    "parquet": "read_parquet('{url}/**/*.parquet')",
    "delta": "delta_scan('{url}')",
    "iceberg": "iceberg_scan('{url}')",
    "avro": "read_avro('{url}/*.avro')",
    "csv": "read_csv('{url}/*.csv')",
    "tsv": "read_csv('{url}/*.tsv')",
    "jsonl": "read_json('{url}/*.jsonl', format='newline_delimited')",
    "jsonl.gz": "read_json('{url}/*.jsonl.gz', format='newline_delimited')",
    "json": "read_json('{url}/*.json', format='array', maximum_object_size=1073741824)",
}


_CONNECTIONS: list[Any] = []


def connection() -> Any:  # noqa: ANN401 - of the other environment
    """What `prepare_duckdb` opened."""
    return _CONNECTIONS[0]


def prepare_duckdb(place: Mapping[str, str], kind: str, path: str) -> None:
    """Load what is needed, as others import theirs before the time begins."""
    del path
    import duckdb  # type: ignore[import-not-found]  # of the other environment
    from duckdb_ext import get_extension_dir  # type: ignore[import-not-found]

    opened = duckdb.connect()
    opened.execute("SET autoinstall_known_extensions = false")
    opened.execute("SET extension_directory = ?", [str(get_extension_dir())])
    for extension in ("httpfs", *_EXTENSIONS.get(kind, ())):
        opened.execute(f"LOAD {extension}")
    if kind == "iceberg":
        opened.execute("SET unsafe_enable_version_guessing = true")
    endpoint = place["endpoint"].removeprefix("http://")
    opened.execute(
        "CREATE SECRET (TYPE s3, USE_SSL false, URL_STYLE 'path', "
        f"KEY_ID '{place['key_id']}', SECRET '{place['secret']}', ENDPOINT '{endpoint}', REGION '{REGION}')"
    )
    _CONNECTIONS.append(opened)


def duckdb(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """DuckDB with its own S3 client and its extension for each format."""
    del place
    source = _SCANS[kind].format(url=f"s3://{BUCKET}/{path}")
    found: Any = connection().execute(f"SELECT count(*), sum(amount) FROM {source}").fetchone()  # noqa: S608
    return found[0], found[1]


def dlt(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """dlt's filesystem source: its rows are counted as they come, and loaded nowhere."""
    from dlt.sources.credentials import AwsCredentials  # type: ignore[import-not-found]
    from dlt.sources.filesystem import filesystem, read_jsonl  # type: ignore[import-not-found]

    credentials = AwsCredentials(
        aws_access_key_id=place["key_id"],
        aws_secret_access_key=place["secret"],
        endpoint_url=place["endpoint"],
        region_name=REGION,
    )
    files = filesystem(f"s3://{BUCKET}/{path}", credentials=credentials, file_glob=f"*.{kind}")
    rows, amount = 0, 0.0
    for row in files | read_jsonl():
        rows, amount = rows + 1, amount + row["amount"]
    return rows, amount


def versions() -> str:
    """Which releases run."""
    from importlib.metadata import version

    return json.dumps({name: version(name) for name in ("duckdb", "dlt")})
