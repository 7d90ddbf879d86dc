"""A `credential_process`: prints the keys of a container endpoint in the form that AWS's tools read."""

import json
import sys
from pathlib import Path
from urllib.request import Request, urlopen


def main(url: str, token_file: str) -> None:
    """Ask with the token in the file."""
    headers = {"Authorization": Path(token_file).read_text()}
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        keys = json.load(answer)
    keys["SessionToken"] = keys.pop("Token")
    sys.stdout.write(json.dumps({"Version": 1, **keys}))


if __name__ == "__main__":
    main(*sys.argv[1:])
