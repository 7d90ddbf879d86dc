"""Which delete files apply to which data files (Iceberg Table Spec, "Scan Planning")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask

    from s3_assets.tables.iceberg_files import Files


def tasks(files: Files) -> list[FileScanTask]:
    """Return each data file with its delete files."""
    from pyiceberg.table import FileScanTask

    if files.deletes:
        raise UnsupportedError(f"the table has {len(files.deletes)} delete files")
    return [FileScanTask(entry.data_file) for entry in files.data]
