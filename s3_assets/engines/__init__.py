"""Engines: a frame in, written parts out."""
