"""The formats of the conformance suite: each declares what it lacks, the cases are the same for all."""

from tests.support.extent import EVERYTHING
from tests.tables.formats import DELTA, PARQUET
from tests.tables.iceberg_formats import GLUE, PLACED, POSTGRES, REST, SQLITE, UNITY
from tests.tables.row_formats import AVRO, CSV, JSON, JSONL, TSV

FORMATS = (DELTA, PARQUET, AVRO, CSV, TSV, JSONL, JSON, SQLITE, GLUE, PLACED)
CATALOGS = (POSTGRES, REST, UNITY)
"""More catalogs: the heart of the suite, and with EVERYTHING=1 in the environment all of it."""
TRIED = (*FORMATS, *CATALOGS) if EVERYTHING else FORMATS

WRITERS = FORMATS if EVERYTHING else (DELTA, PARQUET, SQLITE)
"""One format for each way to replace a window; with EVERYTHING=1 in the environment all of them."""
