"""An S3 server for demos and tests: a process of its own, on loopback, with its data in a folder."""
