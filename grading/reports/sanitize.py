"""Text that a submission had a hand in, made harmless before a format's own escaping."""

from __future__ import annotations

import re

MOST = 4000
# Control characters but tab and line feed, what turns the direction of writing, and what is no character at all.
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def plain(text: str, most: int = MOST) -> str:
    """The text without control characters, and not longer than `most` characters; line breaks stay."""
    text = UNWANTED.sub("", text[: 2 * most].replace("\r\n", "\n"))
    return text if len(text) <= most else text[: most - 4] + " ..."


def one_line(text: str, most: int = 200) -> str:
    """The same in one line, with single spaces."""
    return plain(" ".join(plain(text).split()), most)
