"""AWS's descriptions of its services: those that botocore finds by itself, and the user's own beside them."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from s3_assets.connection.service_models import service_models


def test_they_are_botocores(tmp_path: Path) -> None:
    own = tmp_path / "shop" / "2026-01-01"
    own.mkdir(parents=True)
    (own / "service-2.json").write_text(json.dumps({"metadata": {"serviceId": "shop"}}))

    found, theirs = service_models(str(tmp_path)), Loader()

    assert {*theirs.list_available_services("service-2"), "shop"} <= {
        *found.list_available_services("service-2")
    }
    assert found.load_service_model("shop", "service-2")["metadata"] == {"serviceId": "shop"}
    s3 = json.dumps(theirs.load_service_model("s3", "service-2"))
    assert json.dumps(found.load_service_model("s3", "service-2")) == s3
    for name in ("endpoints", "partitions", "_retry"):
        assert json.dumps(found.load_data(name)) == json.dumps(theirs.load_data(name))
    with pytest.raises(UnknownServiceError):
        found.load_service_model("s4", "service-2")
