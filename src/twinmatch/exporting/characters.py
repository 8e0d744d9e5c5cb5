"""What a document may hold of a text that somebody typed: no character that breaks a file or misleads a reader."""

from __future__ import annotations

import re

# Control characters other than tab and line feed, lone surrogates and non-characters (XML 1.0, section 2.2),
# and the marks that reorder the text after them (Unicode TR 9), with which a name can be made to read as another.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_BREAKS = re.compile("\r\n?|\u2028|\u2029|\x85")

# What a spreadsheet takes for the start of a formula, in a cell or in a CSV file (OWASP, "CSV Injection"),
# the full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    """Return the text without characters that XML cannot hold or that reorder what follows."""
    if text.isascii() and text.isprintable():  # as nearly all texts are
        return text
    return _UNWANTED.sub("", _BREAKS.sub("\n", text))


def cell_text(text: str, longest: int = 32_767) -> str:
    """Return the text as a spreadsheet can hold it: never a formula, never longer than a cell.

    A text that would start a formula when the sheet is saved as CSV and opened again gets an apostrophe in
    front, which stays visible; a text too long for a cell ends by saying how much was cut.
    """
    clean = printable(text)
    if clean.lstrip(" \n\xa0").startswith(_FORMULA):
        clean = "'" + clean
    if _utf16_length(clean) <= longest:
        return clean
    told = f" … [cut: {len(clean):,} characters in all]"
    return _utf16_head(clean, longest - _utf16_length(told)) + told


def _utf16_length(text: str) -> int:
    """Return the length as spreadsheets count it: characters beyond U+FFFF are two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _utf16_head(text: str, longest: int) -> str:
    """Return the beginning of a text, at most so many UTF-16 units long and no half character."""
    return text.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")
