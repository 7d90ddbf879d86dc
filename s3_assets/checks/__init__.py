"""Checks of tables: what is demanded of rows, columns, counts and age, and what was found."""
