"""DuckDB exports a folder of Parquet files by COPY; in the rivals' environment."""

from collections.abc import Mapping

from benchmarks import rivals

_HOW = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv.gz": "FORMAT csv, COMPRESSION gzip"}


def prepare_duckdb(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    """Load what is needed before the time begins."""
    del kind, target
    rivals.prepare_duckdb(place, "parquet", source)


def duckdb(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    """COPY with DuckDB's own S3 client; the order of the rows is kept, which is its default."""
    del place
    rows = f"SELECT * FROM read_parquet('s3://{rivals.BUCKET}/{source}**/*.parquet')"  # noqa: S608 - our own
    rivals.connection().execute(f"COPY ({rows}) TO 's3://{rivals.BUCKET}/{target}rows.{kind}' ({_HOW[kind]})")
