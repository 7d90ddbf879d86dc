"""All jobs of the suite by name, in their order, with what is to be said where others are faster."""

from collections.abc import Callable
from functools import partial

from benchmarks.suite.exports import Export
from benchmarks.suite.imports import Import
from benchmarks.suite.job import Job
from benchmarks.suite.listings import Discovery, Listing
from benchmarks.suite.quiet import NewCommits, NoNewFiles
from benchmarks.suite.scans import Pushdown
from benchmarks.suite.watching import Definitions, Tick

JOBS: dict[str, Callable[[], Job]] = {
    "import-parquet-delta": partial(Import, "parquet", "delta"),
    "incremental-delta": partial(NewCommits, grows=True),
    "import-parquet-iceberg": partial(Import, "parquet", "iceberg"),
    "import-jsonl-delta": partial(Import, "jsonl.gz", "delta", share=1 / 3),
    "export-parquet": partial(Export, "parquet"),
    "export-csv-gz": partial(Export, "csv.gz"),
    "day-parquet": partial(Pushdown, "parquet"),
    "day-delta": partial(Pushdown, "delta"),
    "day-iceberg": partial(Pushdown, "iceberg"),
    "listing-counted": partial(Listing, named=False),
    "listing-named": partial(Listing, named=True),
    "discovery": Discovery,
    "nothing-new-files": NoNewFiles,
    "nothing-new-delta": partial(NewCommits, grows=False),
    "tick": Tick,
    "definitions": Definitions,
}
