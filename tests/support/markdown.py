"""Markdown as a reader of it has it."""

from itertools import pairwise

from markdown_it import MarkdownIt


def cells(markdown: str) -> list[list[str]]:
    """The cells of the one table of a text, titles first; `markup` for one that is more than text."""
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown)
    rows: list[list[str]] = []
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in {"th_open", "td_open"}:
            plain = token.children is None or all(each.type == "text" for each in token.children)
            rows[-1].append("".join(each.content for each in token.children or ()) if plain else "markup")
    return rows
