"""Dagster assets from tables and files on S3: read in place, imported exactly once, exported."""
