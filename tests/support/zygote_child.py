"""What a child of the zygote does: wait for its go, call one function, leave the result in a file."""

import faulthandler
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

RESULT = "result.json"
OUTPUT = "output.txt"


def resolve(function: str) -> Callable[..., Any]:
    """The function that ``module:name`` means."""
    module, _, name = function.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    function_found: Callable[..., Any] = found
    return function_found


def run(function: str, arguments: dict[str, Any], folder: Path, go: int) -> NoReturn:
    """Be the child: wait until a byte can be read from ``go``, work, and end without a clean-up.

    Exit code 0: the function returned, its result is in the folder. 1: it raised, the traceback is there.
    """
    os.setpgid(0, 0)
    redirect(folder / OUTPUT)
    begins = os.read(go, 1)
    # Nothing that the function starts may read from the zygote's orders.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if not begins:
        # The owner of the zygote is gone, and nobody will ever want the result.
        os._exit(2)
    try:
        answer = {"result": resolve(function)(**arguments)}
        text = json.dumps(answer)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever ended the function is its outcome, SystemExit included
        text = json.dumps({"traceback": traceback.format_exc()})
        code = 1
    (folder / RESULT).write_text(text)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not the interpreter's own exit: after a fork that would clean up what belongs to the parent.
    os._exit(code)


def redirect(output: Path) -> None:
    """Send all that the child prints to a file; SIGUSR1 adds the stacks of its threads."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    faulthandler.enable(sys.stderr)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr)


def main(modules: list[str]) -> None:
    """Be a spare: import, then take one order from the standard input, then wait for the go on it."""
    for module in modules:
        importlib.import_module(module)
    line = b""
    while not line.endswith(b"\n"):
        # One by one: the byte that follows the line is the go.
        byte = os.read(0, 1)
        if not byte:
            return
        line += byte
    order = json.loads(line)
    run(order["function"], order["arguments"], Path(order["folder"]), 0)


if __name__ == "__main__":
    main(sys.argv[1:])
