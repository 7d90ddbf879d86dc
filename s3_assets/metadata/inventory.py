"""The columns of a media set's inventory, told before there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from s3_assets.tables.settings import TableSettings

COLUMNS = {
    "key": ("string", "Key of the object, from the bucket's root."),
    "name": ("string", "Its last part."),
    "size": ("int64", "Bytes."),
    "content_type": ("string", "As the server tells it."),
    "found_type": ("string", "As the first bytes tell it."),
    "etag": ("string", "ETag, without its quotes."),
    "modified": ("timestamp", "When it was last written."),
    "storage_class": ("string", "Such as STANDARD or GLACIER."),
    "metadata": ("string", "User metadata: a JSON object of texts."),
    "width": ("int32", "Pixels."),
    "height": ("int32", "Pixels."),
    "duration": ("float64", "Seconds."),
    "status": ("string", "present, deleted, or left_out: the settings take it no more."),
    "first_seen": ("timestamp", "The run that first saw it."),
    "last_changed": ("timestamp", "The run that last saw it changed."),
    "deleted_at": ("timestamp", "The run that no longer saw it."),
    "copied_to": ("string", "URL of its copy."),
}
"""Type and description by name."""


def inventory_schema(settings: TableSettings) -> dg.TableSchema:
    """Return the columns of every inventory; what the settings say of one goes first."""
    descriptions = {name: description for name, (_, description) in COLUMNS.items()}
    descriptions |= settings.column_descriptions
    return dg.TableSchema(
        [dg.TableColumn(name, type_, descriptions[name]) for name, (type_, _) in COLUMNS.items()]
    )
