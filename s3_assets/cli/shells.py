"""How the shells ask on TAB what may follow, and how they are told.

The scripts that `--show-completion` prints are Typer's, and so is the form of questions and answers.
"""

from collections.abc import Callable, Mapping

from s3_assets.cli.completion import Suggestion, suggestions

VARIABLE = "_S3_ASSETS_COMPLETE"
"""Says which shell asks; Typer makes its name of the program's."""


def completions(environment: Mapping[str, str]) -> str | None:
    """Return the answer to a shell's question; None if it is left to Typer.

    The variables are those that Typer's scripts set: `COMP_WORDS` and `COMP_CWORD` by bash,
    `_TYPER_COMPLETE_ARGS` by zsh and fish.
    """
    ways = _SHELLS.get(environment[VARIABLE])
    if ways is None:
        return None
    words, tell = ways
    *before, incomplete = words(environment)
    return tell(environment, suggestions(before, incomplete))


def _words_of_bash(environment: Mapping[str, str]) -> list[str]:
    words = _split(environment["COMP_WORDS"])
    place = int(environment["COMP_CWORD"])
    return [*words[1:place], words[place] if place < len(words) else ""]


def _words_of_line(environment: Mapping[str, str]) -> list[str]:
    line = environment.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(line)[1:]
    return words if words and not line.endswith(" ") else [*words, ""]


def _split(line: str) -> list[str]:
    """Split as a shell does; a quote that is still open ends with the line."""
    import shlex

    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split = True
    reader.commenters = ""
    words: list[str] = []
    try:
        words.extend(reader)
    except ValueError:
        words.append(reader.token)
    return words


def _tell_bash(environment: Mapping[str, str], found: list[Suggestion]) -> str:
    del environment
    return "\n".join(word for word, _ in found) + "\n"


def _tell_zsh(environment: Mapping[str, str], found: list[Suggestion]) -> str:
    del environment
    if not found:
        return "_files\n"
    told = [f'"{_zsh(word)}":"{_zsh(meaning)}"' if meaning else f'"{_zsh(word)}"' for word, meaning in found]
    return "_arguments '*: :(({}))'\n".format("\n".join(told))


def _zsh(text: str) -> str:
    for character, written in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", "\\\\:")):
        text = text.replace(character, written)
    return text


def _tell_fish(environment: Mapping[str, str], found: list[Suggestion]) -> str | None:
    if environment.get("_TYPER_COMPLETE_FISH_ACTION") != "get-args":
        # It asks by the exit code whether files are meant.
        return None
    return "\n".join(f"{word}\t{meaning}" if meaning else word for word, meaning in found) + "\n"


_SHELLS: dict[
    str,
    tuple[
        Callable[[Mapping[str, str]], list[str]],
        Callable[[Mapping[str, str], list[Suggestion]], str | None],
    ],
] = {
    "complete_bash": (_words_of_bash, _tell_bash),
    "complete_zsh": (_words_of_line, _tell_zsh),
    "complete_fish": (_words_of_line, _tell_fish),
}
