"""Each declared field of a connection is changed in turn; one without an effect has no place there."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from s3_assets.connection import S3Connection
from tests.connection.matrix.cells import Bench
from tests.connection.matrix.effects import EFFECTS


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models(argument)


def fields(model: type[BaseModel], known: set[type[BaseModel]]) -> Iterator[str]:
    """Every field below a model, each once, but for the tags of unions, whose effect is the model itself."""
    if model in known:
        return
    known.add(model)
    for name, field in model.model_fields.items():
        if name != "type":
            yield f"{model.__name__}.{name}"
        for each in models(field.annotation):
            yield from fields(each, known)


FIELDS = sorted(fields(S3Connection, set()))


@pytest.mark.parametrize("field", FIELDS)
def test_a_change_is_seen(field: str, bench: Bench) -> None:
    before, after = EFFECTS[field](bench)

    assert before != after


def test_nothing_else_is_listed() -> None:
    assert set(EFFECTS) == set(FIELDS)
    assert len(FIELDS) > 60
