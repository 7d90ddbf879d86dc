"""The incremental protocol: parts, audit, commit, with the cursor in the commit."""
