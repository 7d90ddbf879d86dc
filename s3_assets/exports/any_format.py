"""What all formats of exported files share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Format(BaseModel):
    """What all formats share."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @property
    def content_encoding(self) -> str | None:
        """None always: a packed file is what is asked for, and clients unpack what this header names.

        RFC 9110, section 8.4: it tells of a packing that is not part of what the file is.
        """
        return None
