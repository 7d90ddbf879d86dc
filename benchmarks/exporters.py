"""Who exports a folder of Parquet files as one file: s3-assets, and the shortest script with Polars.

Parquet is packed with ZSTD level 3, the default of all of them; gzip with each one's own default. Each runs
in a process of its own, by `benchmarks.child`.
"""

from collections.abc import Mapping

from benchmarks.ground import BUCKET, Ground

LIBRARIES = ("obstore", "polars", "s3_assets.exports.export", "s3_assets.tables.open", "isal")


# A part that takes longer than the usual 30 s would be sent again, and its time be nobody's figure.
_PATIENT = {"timeout": "600s"}


def ours(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    """An export of s3-assets as a registry declares it: log, uploads, checksums, manifest."""
    from s3_assets.exports.export import Export
    from s3_assets.exports.formats import export_format
    from s3_assets.exports.key_template import KeyTemplate
    from s3_assets.tables.open import open_table
    from s3_assets.tables.settings import ParquetSettings

    connection = Ground(**place).connection
    Export(
        name="rows",
        connection=connection,
        template=KeyTemplate.parse("{stream_name}.{extension}"),
        format=export_format(kind),
        prefix=target,
        source=open_table("source", ParquetSettings(connection="s3", path=source), connection),
    ).run()


def polars(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    """Polars' own scan into its own sink."""
    import polars as pl

    options = {**Ground(**place).options, **_PATIENT}
    rows = pl.scan_parquet(f"s3://{BUCKET}/{source}**/*.parquet", storage_options=options)
    url = f"s3://{BUCKET}/{target}rows.{kind}"
    if kind == "parquet":
        rows.sink_parquet(url, storage_options=options)
    elif kind == "csv.gz":
        rows.sink_csv(url, compression="gzip", storage_options=options)
    else:
        raise ValueError(kind)


def polars_quick(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    """The same with gzip's level 1."""
    import polars as pl

    options = {**Ground(**place).options, **_PATIENT}
    pl.scan_parquet(f"s3://{BUCKET}/{source}**/*.parquet", storage_options=options).sink_csv(
        f"s3://{BUCKET}/{target}rows.{kind}",
        compression="gzip",
        compression_level=1,
        storage_options=options,
    )
