"""Every way and option in every engine, each cell proved at a server; and the page about it."""

import pytest

from tests.connection.engines import ENGINES, Engine
from tests.connection.matrix.cells import Bench, How, Row, observed
from tests.connection.matrix.render import DOCUMENT, ROWS, rendered


@pytest.mark.parametrize("engine", ENGINES, ids=[engine.name for engine in ENGINES])
@pytest.mark.parametrize("row", ROWS, ids=[row.prove.__name__ for row in ROWS])
def test_cell(row: Row, engine: Engine, bench: Bench) -> None:
    row.prove(bench, engine)

    how = row.how[engine.name]
    if how is not How.REFUSED:
        assert (bench.seen_how or observed(engine, bench.connections[-1])) is how


def test_no_cell_is_blank() -> None:
    assert [row.name for row in ROWS if set(row.how) != {engine.name for engine in ENGINES}] == []


def test_the_documents_show_it() -> None:
    """`python -m tests.connection.matrix.render` writes them."""
    assert DOCUMENT.read_text() == rendered()
