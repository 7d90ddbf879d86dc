"""What botocore logs at DEBUG keeps its names, and loses the values that are credentials."""

import pytest

from s3_assets.connection.discreet_logs import without_credentials

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzz"


@pytest.mark.parametrize(
    ("logged", "kept"),
    [
        (f"<SecretAccessKey>{SECRET}</SecretAccessKey><Expiration>2026", "<Expiration>2026"),
        (f"{{'X-Amz-Security-Token': b'{SECRET}', 'Host': b's3.test'}}", "'Host': b's3.test'"),
        (f'{{"sessionToken": "{SECRET}", "roleArn": "arn:aws:iam::1:role/a"}}', "arn:aws:iam::1:role/a"),
        (f"Action=AssumeRole&ExternalId={SECRET}&RoleSessionName=own", "RoleSessionName=own"),
        (f"Proxy-Authorization: Basic {SECRET}", "Proxy-Authorization"),
        (
            f"Starting new connection: http://me:{SECRET.replace('/', '%2F')}@proxy.test:3128",
            "proxy.test:3128",
        ),
        (f'{{"SecretString": "{{\\"key\\": \\"{SECRET}\\"}}"}}', "SecretString"),
    ],
)
def test_values_go_and_the_rest_stays(logged: str, kept: str) -> None:
    told = without_credentials(logged)

    assert SECRET not in told
    assert SECRET.replace("/", "%2F") not in told
    assert kept in told


def test_an_ordinary_line_is_left_alone() -> None:
    line = "Found endpoint for s3 via: http://127.0.0.1:9445, region eu-west-1, 3 retries"

    assert without_credentials(line) == line
