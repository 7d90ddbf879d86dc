"""The command line: `s3-assets`."""
