"""The pictures in the docs: each is shown, with words for those who cannot see it, and is small."""

import io
import re
from pathlib import Path

import pytest

from tests.browser.pictures import FOLDER, MOST_BYTES, smaller

DOCS = FOLDER.parent
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+\.png)\)")


def test_pictures_are_shown_with_words() -> None:
    shown = {
        (page.parent / path).resolve(): words
        for page in (DOCS.parent / "README.md", *DOCS.rglob("*.md"))
        for words, path in SHOWN.findall(page.read_text(encoding="utf-8"))
    }

    assert set(shown) == set(FOLDER.glob("*.png"))
    assert [words for words in shown.values() if len(words.split()) < 4] == []


@pytest.mark.parametrize("picture", sorted(FOLDER.glob("*.png")), ids=lambda each: each.stem)
def test_picture_is_small(picture: Path) -> None:
    assert 0 < picture.stat().st_size < MOST_BYTES


def test_picture_keeps_its_colours_with_fewer_bytes() -> None:
    from PIL import Image

    before = Image.effect_noise((300, 200), 40).convert("RGB")
    before.paste((83, 62, 220), (10, 10, 14, 14))
    png = io.BytesIO()
    before.save(png, "png")

    small = smaller(png.getvalue())

    assert len(small) < len(png.getvalue())
    after = Image.open(io.BytesIO(small)).convert("RGB")
    assert after.size == before.size
    assert after.getpixel((12, 12)) == (83, 62, 220)
