"""Iceberg catalogs: from a connection to PyIceberg's own `Catalog`, whichever kind it is."""
