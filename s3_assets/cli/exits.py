"""The exit codes of all commands, and what each means; nothing is imported, since help needs them, too."""

DONE = 0
FAILED = 1
MISUSED = 2
NOT_RUNNING = 3
INTERRUPTED = 130
UNREAD = 141
_SIGNALLED = 128

MEANINGS = {
    DONE: "done",
    FAILED: "an error, told on standard error with its remedy; or what was asked for does not hold",
    MISUSED: "wrong usage: a command, option or argument that there is not, or nobody to ask for a yes",
    NOT_RUNNING: "server status: no server runs on the folder",
    INTERRUPTED: "interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP: nothing half done is left behind",
    UNREAD: "nobody reads standard output any more, as behind `| head`",
}


def signalled(number: int) -> int:
    """Return the exit code of a command that a signal has ended."""
    return _SIGNALLED + number


CODES = f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in MEANINGS.items())}."
"""What the help of the application says of them."""
