"""Messages as Amazon documents them, and a queue of a server that sends some itself.

Amazon S3 User Guide, "Event message structure" and "EventBridge event schema"; Amazon SNS Developer Guide,
"Parsing Amazon SNS message formats".
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

TEST_EVENT = json.dumps(
    {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-01-05T12:00:00.000Z",
        "Bucket": "lake",
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
    }
)


def of_s3(
    bucket: str, *keys: str, name: str = "ObjectCreated:Put", sequencer: str = "0055AED6DCD90281E5"
) -> str:
    records = [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "2026-01-05T12:00:00.000Z",
            "eventName": name,
            "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "everything",
                "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "size": 1024,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "sequencer": sequencer,
                },
            },
        }
        for key in keys
    ]
    return json.dumps({"Records": records})


def by_sns(message: str) -> str:
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:lake-events",
            "Subject": "Amazon S3 Notification",
            "Message": message,
            "Timestamp": "2026-01-05T12:00:00.000Z",
            "SignatureVersion": "1",
        }
    )


def by_eventbridge(bucket: str, key: str, what: str = "Object Created") -> str:
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": what,
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2026-01-05T12:00:00Z",
            "region": "us-east-1",
            "resources": [f"arn:aws:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {"key": key, "size": 5, "etag": "b1946ac9", "sequencer": "00617F08299329D189"},
                "request-id": "N4N7GDK58NMKJ12R",
                "requester": "123456789012",
                "reason": "PutObject",
            },
        }
    )


class Mailbox:
    """A queue, as somebody who is not s3-assets sees it."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.url = client.create_queue(QueueName=name)["QueueUrl"]
        self.arn = self._attribute("QueueArn")

    def send(self, bodies: Iterable[str]) -> None:
        entries = [{"Id": str(index % 10), "MessageBody": body} for index, body in enumerate(bodies)]
        for start in range(0, len(entries), 10):
            sent = self.client.send_message_batch(QueueUrl=self.url, Entries=entries[start : start + 10])
            assert not sent.get("Failed")

    def notified_by(self, s3_client: Any, bucket: str) -> None:
        """Have the server send what happens in the bucket, once the queue lets it."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})
        wanted = {"QueueArn": self.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        s3_client.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [wanted]}
        )

    def counts(self) -> tuple[int, int]:
        """How many messages can be received, and how many are hidden."""
        return (
            int(self._attribute("ApproximateNumberOfMessages")),
            int(self._attribute("ApproximateNumberOfMessagesNotVisible")),
        )

    def _attribute(self, name: str) -> str:
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return str(found["Attributes"][name])
