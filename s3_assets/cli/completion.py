"""What may follow on a command line: from `commands.json` and the names of the registry.

Typer would say the same, but takes as long to load as a person waits on TAB; a test compares the two.
"""

from collections.abc import Iterable
from typing import Any

from s3_assets.cli.prepared import commands

Suggestion = tuple[str, str]
"""A word, and what it means; "" if that is not known."""


def suggestions(words: list[str], incomplete: str) -> list[Suggestion]:
    """Return what the last word may become, behind the words before it, the program's name not among them."""
    if incomplete.startswith("--") and "=" in incomplete:
        name, _, incomplete = incomplete.partition("=")
        words = [*words, name]
    elif incomplete == "=":
        incomplete = ""
    line = _Line()
    for word in words:
        # Bash has the sign as a word.
        if word != "=" and not line.read(word):
            return []
    return [each for each in line.next(incomplete) if each[0].startswith(incomplete)]


class _Line:
    """A command line that is read word by word, as far as it says which command and parameter come next."""

    def __init__(self) -> None:
        self._path = ""
        self._command: Any = commands()[""]
        self._registry: str | None = None
        self._waiting: Any = None
        """The option whose value comes next."""
        self._given: set[str] = set()
        self._arguments = 0
        self._options_end = False

    def read(self, word: str) -> bool:
        """Take a word; False if no command fits."""
        if self._waiting is not None:
            if "--registry" in self._waiting["names"]:
                self._registry = word
            self._waiting = None
        elif word == "--" and not self._options_end:
            self._options_end = True
        elif word.startswith("-") and len(word) > 1 and not self._options_end:
            self._read_option(word)
        elif "commands" in self._command:
            return self._enter(word)
        else:
            self._arguments += 1
        return True

    def next(self, incomplete: str) -> Iterable[Suggestion]:
        """Return what may stand next."""
        if self._waiting is not None:
            return self._values(self._waiting)
        if incomplete.startswith("-") and not self._options_end:
            return self._options()
        if "commands" in self._command:
            return [(name, meaning) for name, meaning in self._command["commands"].items()]
        arguments = self._command["arguments"]
        return self._values(arguments[self._arguments]) if self._arguments < len(arguments) else []

    def _enter(self, word: str) -> bool:
        if word not in self._command["commands"]:
            return False
        self._path = f"{self._path} {word}".strip()
        self._command = commands()[self._path]
        self._given.clear()
        return True

    def _read_option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        found = next((each for each in self._command["options"] if name in each["names"]), None)
        if found is None:
            return
        self._given.add(found["names"][0])
        if found["takes"] != "nothing":
            self._waiting = found
            if equals:
                self.read(value)

    def _options(self) -> list[Suggestion]:
        return [
            (name, option["help"])
            for option in self._command["options"]
            if option["repeatable"] or option["names"][0] not in self._given
            for name in option["names"]
        ]

    def _values(self, parameter: Any) -> Iterable[Suggestion]:  # noqa: ANN401 - of a file of JSON
        takes = parameter["takes"]
        if isinstance(takes, list):
            return [(each, "") for each in takes]
        if takes.startswith("names: "):
            from s3_assets.cli.names import names

            return [(each, "") for each in names(takes.removeprefix("names: ").split(), self._registry)]
        return []
