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

_BESIDES = (
    "Besides the rows it lists the source, keeps a ledger, looks at what was written before anybody can "
    "see it, and clears up: requests that do not grow with the rows, and are left out by who keeps no "
    "cursor."
)
_TEXT = (
    "Text is parsed by Polars here, too; besides, types come from the beginnings of up to a hundred "
    "files, every row's fields are counted, every byte is known to be text, and bad rows are told with "
    "file, line and column. Declared columns spare the first, `on_extra_field: ignore` the second."
)
_EXPORT = (
    "An export writes down what it is about to do, commits it by an entry of its log and puts a "
    "manifest behind the file: requests that do not grow with the rows."
)
_SCAN = (
    "The table is planned first, so that a plan tells files and bytes before a row is read: of plain "
    "files by their footers. Declared columns spare the look at those that tell the schema."
)
_LEDGER = (
    "What was read is told by the target's newest commit and a ledger on S3, with ETags and sizes, for "
    "whoever runs next; the script reads a local file of names, misses files that were rewritten, and "
    "knows of no other run."
)
_POSITION = (
    "The position is looked up in the target's newest commit on S3, and what crashed runs left is "
    "looked for; the script reads it from a local file."
)
_DEFINITIONS = (
    "A registry is read, checked and made into models first, and its assets carry specs, partitions, "
    "checks, sensors and metadata, of which plain ones have none; most of the rest is Dagster's own."
)

_LISTING = (
    "Half a second of the command is its start: settings, credentials and botocore. Pages are read by "
    "botocore, since obstore refuses keys that are no paths; keys and bytes are added up by folder; where "
    "parts are read at once, each has a last page that others have, too. What is won by that shows where "
    "answers take longer, or keys are more. A start without botocore would change it."
)
_TICK = (
    "Each table is looked at by one request, too. A first tick of a process makes the client, the store and "
    "the catalog's connection, which the script has made before; versions are asked of logs and catalogs, "
    "by several libraries, instead of times of modification by one. A code server, which stays from tick to "
    "tick, pays the first once; clients that are made with the definitions would change it, and would have "
    "credentials asked for by whoever loads these."
)
_TICK_AGAIN = (
    "Versions are asked of logs and catalogs, by several libraries, instead of times of modification by one."
)

JOBS: dict[str, Callable[[], Job]] = {
    "import-parquet-delta": partial(Import, "parquet", "delta", behind=_BESIDES),
    "incremental-delta": partial(NewCommits, grows=True, behind=_BESIDES),
    "import-parquet-iceberg": partial(Import, "parquet", "iceberg", behind=_BESIDES),
    "import-jsonl-delta": partial(Import, "jsonl.gz", "delta", share=1 / 3, behind=f"{_TEXT} {_BESIDES}"),
    "export-parquet": partial(Export, "parquet", behind=_EXPORT),
    "export-csv-gz": partial(Export, "csv.gz", behind=_EXPORT),
    "day-parquet": partial(Pushdown, "parquet", behind=_SCAN),
    "day-delta": partial(Pushdown, "delta", behind=_SCAN),
    "day-iceberg": partial(Pushdown, "iceberg", behind=_SCAN),
    "listing-counted": partial(Listing, named=False, behind=_LISTING),
    "listing-named": partial(Listing, named=True),
    "discovery": Discovery,
    "nothing-new-files": partial(NoNewFiles, behind=_LEDGER),
    "nothing-new-delta": partial(NewCommits, grows=False, behind=_POSITION),
    "tick": partial(Tick, behind=_TICK),
    "tick-again": partial(Tick, again=True, behind=_TICK_AGAIN),
    "definitions": partial(Definitions, behind=_DEFINITIONS),
}
