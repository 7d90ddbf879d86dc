"""One module for each engine that talks to S3: the connection in that engine's spelling."""
