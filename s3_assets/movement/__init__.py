"""Moving rows: from a source into a target table."""
