"""Ray: portions of a plan are written by workers of a cluster, or of a local one on loopback."""
