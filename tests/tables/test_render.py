from tests.tables.render import DOCUMENT, rendered


def test_the_page_is_what_the_formats_declare() -> None:
    assert DOCUMENT.read_text() == rendered(), "run python -m tests.tables.render"
