"""Iceberg catalogs: from a connection to PyIceberg's own `Catalog`, whichever kind it is.

`catalog_of` is what opens a table: it returns the catalog that knows it, and its name there. Every use of
either stands in `failures.catalog_errors`, which turns what the libraries raise into errors of ours.
"""

from __future__ import annotations

from s3_assets.tables.catalogs.opening import catalog_of, identifier, open_catalog

__all__ = ["catalog_of", "identifier", "open_catalog"]
