"""The formats of the conformance suite: each declares what it lacks, the cases are the same for all."""

from tests.support.extent import EVERYTHING
from tests.tables.formats import DELTA, PARQUET
from tests.tables.iceberg_formats import GLUE, PLACED, SQLITE
from tests.tables.row_formats import AVRO, CSV, JSON, JSONL, TSV

FORMATS = (DELTA, PARQUET, AVRO, CSV, TSV, JSONL, JSON, SQLITE, GLUE, PLACED)

WRITERS = FORMATS if EVERYTHING else (DELTA, PARQUET, SQLITE)
"""One format for each way to replace a window; with EVERYTHING=1 in the environment all of them."""
