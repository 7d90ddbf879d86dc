"""Daft on Ray: rows of one key are brought to one worker, whichever portions they are in."""
