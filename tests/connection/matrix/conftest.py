"""What proofs and effects work with."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.connection.matrix.cells import Bench
from tests.connection.recorder import Recorder


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Other services of AWS: they cost the server of all other tests a longer start."""
    folder = tmp_path_factory.mktemp("aws")
    with EmbeddedServer(folder, services=("s3", "sts", "iam", "secretsmanager", "ssm", "kms")) as server:
        yield server


@pytest.fixture
def bench(request: pytest.FixtureRequest, recorder: Recorder, bucket: str, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(request, stack, recorder, bucket, tmp_path)
