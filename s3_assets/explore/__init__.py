"""Exploration: what lies at a place on S3, and the registry entry that reads it."""
