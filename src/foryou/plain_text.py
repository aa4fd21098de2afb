"""Texts of others where people read them: on a terminal, in a page, in a message."""

from __future__ import annotations

_JOINER = "\u200d"
"""Not printable by itself; holds the parts of an emoji together."""


def plain_text(text: str) -> str:
    """The text without what would steer a terminal, turn the direction of a line, or be no UTF-8: blanks for each.

    >>> plain_text("a\\x1b[31m b\\u202e c\\ud800")
    'a [31m b  c '
    """
    return "".join(letter if letter.isprintable() or letter == _JOINER else " " for letter in text)
