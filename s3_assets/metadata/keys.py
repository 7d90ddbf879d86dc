"""Names of metadata: Dagster's own where it has one, ours below `s3_assets/`.

Which of Dagster's names its pages know was read in the pages themselves (dagster-webserver 1.13.27): the row
count and the size stand below "Status", the columns in a table of their own, uri, table name and code
references below "Definition". Column lineage is in no page without Dagster+, and the columns of an
observation in none at all: both are told a second time, in words.
"""

OURS = "s3_assets"

COLUMNS = "dagster/column_schema"
LINEAGE = "dagster/column_lineage"
ROWS = "dagster/row_count"
PARTITION_ROWS = "dagster/partition_row_count"
BYTES = "dagster/size_bytes"
PLACE = "dagster/uri"
TABLE = "dagster/table_name"
CODE = "dagster/code_references"

VERSION = f"{OURS}/version"
PREVIEW = f"{OURS}/preview"
COLUMNS_TOLD = f"{OURS}/columns"
LINEAGE_TOLD = f"{OURS}/columns_from"
READ_BY = f"{OURS}/read_by"
