"""DuckDB in the suite's jobs, with its own S3 client; in the rivals' environment."""

from collections.abc import Mapping

from benchmarks import rivals

LIBRARIES = ("duckdb", "duckdb_ext")
_SOURCES = {
    "parquet": "read_parquet('{url}/**/*.parquet')",
    "delta": "delta_scan('{url}')",
    "iceberg": "iceberg_scan('{url}')",
}


def prepare_pushdown(place: Mapping[str, str], kind: str, path: str, day: str) -> None:
    """Load what is needed before the time begins."""
    del day
    rivals.prepare_duckdb(place, kind, path)


def pushdown(place: Mapping[str, str], kind: str, path: str, day: str) -> tuple[int, float]:
    del place
    source = _SOURCES[kind].format(url=f"s3://{rivals.BUCKET}/{path}")
    question = f"SELECT count(*), coalesce(sum(amount), 0) FROM {source} WHERE day = DATE '{day}'"  # noqa: S608 - our own
    found = rivals.connection().execute(question).fetchone()
    return found[0], found[1]


def prepare_glob(endpoint: str, bucket: str) -> None:
    place = {"endpoint": endpoint, "key_id": "key", "secret": "secret"}
    rivals.prepare_duckdb(place, "parquet", bucket)


def glob(endpoint: str, bucket: str) -> int:
    """Count what lies in a bucket."""
    del endpoint
    return int(rivals.connection().execute(f"SELECT count(*) FROM glob('s3://{bucket}/**')").fetchone()[0])  # noqa: S608 - our own
