"""Exports: rows of a table, or of a frame, become files at keys of a template."""
