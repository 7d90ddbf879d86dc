"""What metadata of a table names, to have it imported."""
