"""The docs' pictures of the UI: few bytes, and taken anew only where PICTURES=1 asks for it."""

import io
import os
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES = 150_000
WANTED = bool(os.environ.get("PICTURES"))

_COLOURS = 256


def keep(name: str, png: bytes) -> None:
    """Put a picture into the docs."""
    small = smaller(png)
    assert len(small) < MOST_BYTES
    (FOLDER / f"{name}.png").write_bytes(small)


def smaller(png: bytes) -> bytes:
    """Return the picture with a palette: screens have few colours."""
    from PIL import Image

    found = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    # The other ways to choose colours give up those of small signs.
    palette = picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(found, "png", optimize=True)
    return found.getvalue()
