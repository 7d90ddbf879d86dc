"""Dagster assets from tables and files on S3: virtual reads, incremental imports that land exactly once, exports."""
