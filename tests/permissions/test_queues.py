"""What a queue needs: in the policy, and as the check finds it without receiving or deleting a message."""

from typing import Any

import boto3

from s3_assets.embedded.server import REGION, EmbeddedServer
from s3_assets.permissions import Service, policies
from s3_assets.permissions.findings import Verdict
from s3_assets.permissions.queues import queue_probes
from s3_assets.registry import Registry
from tests.support.notifications import Mailbox

ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def registry(url: str, **connection: Any) -> Registry:
    lake = {"url": "s3://lake/", "region": "eu-west-1", **connection}
    return Registry.model_validate(
        {
            "connections": {"lake": lake, "other": {"url": "s3://other/"}},
            "queues": {"events": {"connection": "lake", "queue_url": url}},
        }
    )


def test_the_policy_names_the_queue() -> None:
    found = registry("https://sqs.eu-central-1.amazonaws.com/111122223333/lake-events")
    service = Service("eu-west-1")

    (policy,) = policies(found, "lake", service)
    statements = {each.sid: each for each in policy.statements}

    assert list(statements["ReceiveNotifications"].actions) == ACTIONS
    assert statements["ReceiveNotifications"].resources == (
        "arn:aws:sqs:eu-central-1:111122223333:lake-events",
    )
    assert any("kms:Decrypt" in note for note in policy.notes)
    assert not any("sqs" in action for each in policies(found, "other", service) for action in each.actions)


def test_the_check_takes_nothing(s3_server: EmbeddedServer, bucket: str) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sqs = boto3.client("sqs", endpoint_url=s3_server.endpoint_url, region_name=REGION, **keys)
    mailbox = Mailbox(sqs, f"{bucket}-events")
    mailbox.send(["one"])
    lake = {
        "endpoint": s3_server.endpoint_url,
        "auth": {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"},
        "region": REGION,
    }
    service = Service(REGION, amazon=False)

    found = list(queue_probes(registry(mailbox.url, **lake), "lake", service))
    nowhere = list(queue_probes(registry(f"{mailbox.url}-not", **lake), "lake", service))

    assert [(each.action, each.good) for each in found] == [
        ("sqs:GetQueueAttributes", True), ("sqs:ReceiveMessage", True), ("sqs:DeleteMessage", True)
    ]  # fmt: skip
    assert mailbox.counts() == (1, 0)
    assert [each.verdict for each in nowhere] == [Verdict.FAILED, Verdict.UNTESTED, Verdict.UNTESTED]
    assert nowhere[0].told == "there is no such queue, or it may not be seen"
