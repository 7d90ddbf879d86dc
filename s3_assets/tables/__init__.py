"""Virtual tables: rows in place on S3, each format behind the same protocol."""
