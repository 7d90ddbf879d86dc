"""A process that is forked after S3 was used would hang: it is told so instead."""

import os
import subprocess
import sys

from s3_assets.embedded.server import EmbeddedServer

PROGRAM = """
import os, sys
from s3_assets import AccessKeyAuth, S3Connection
from s3_assets.errors import UnsupportedError
from s3_assets.objects import Objects

key = AccessKeyAuth(access_key_id="test", secret_access_key="test")
objects = Objects(S3Connection(url=f"s3://{sys.argv[2]}/", endpoint=sys.argv[1], auth=key))
if sys.argv[3] == "before":
    objects.put("key", b"1")
child = os.fork()
try:
    objects.put("key", b"2")
    told = 0
except UnsupportedError as error:
    told = 42 if "forked" in str(error) else 1
if child == 0:
    os._exit(told)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def _code_of_child(server: EmbeddedServer, bucket: str, first_use: str) -> int:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, server.endpoint_url, bucket, first_use]
    return subprocess.run(command, env=dict(os.environ), timeout=60, check=False).returncode


def test_a_child_of_a_process_that_used_it_is_refused(s3_server: EmbeddedServer, bucket: str) -> None:
    assert _code_of_child(s3_server, bucket, "before") == 42


def test_a_child_that_uses_it_first_is_served(s3_server: EmbeddedServer, bucket: str) -> None:
    assert _code_of_child(s3_server, bucket, "after") == 0
