"""Cleaning of text that comes from outside: titles, categories, attribute values.

Everything a sentence may quote passes through here once, so that later stages can compare strings
exactly. The functions are idempotent.
"""

import re
import unicodedata
from functools import lru_cache

TITLE_LIMIT = 200
DESCRIPTION_LIMIT, SHORT_DESCRIPTION_LIMIT = 600, 200
"""Longest description of an item, and of an entry of evidence, in code points."""
WORD_LIMIT = 80
"""Longest category, attribute value or noun, in code points."""

REMEMBERED = 16_384
"""Texts whose cleaning is remembered: every answer brings the same titles and categories again, and
to clean and check them anew was 40% of reading it."""
_LONG = 4 * TITLE_LIMIT
"""Length from which a text is not remembered: strangers could fill the memory with such."""
_LOOKED_AT = 4 * _LONG
"""Length beyond which nothing of a text is looked at, or one of megabytes would take a second."""

# Zero-width joiners carry meaning in Persian, Indic scripts and emoji; every other format
# character (bidirectional overrides, soft hyphens, tags) can only deceive a reader.
_KEPT_FORMAT = "\u200c\u200d"
_DROPPED = {"Cc": " ", "Cf": "", "Cs": "", "Co": "", "Zl": " ", "Zp": " ", "Zs": " "}
_QUOTES = re.compile('["“”„‟«»〝〞〟＂‘’‚‛‹›]')
_DOUBLE_QUOTES = re.compile('["“”„‟«»〝〞〟＂]')


def clean_text(raw: str, limit: int = WORD_LIMIT) -> str:
    """Return `raw` in NFC, without control characters, on one line, at most `limit` code points.

    A text over the limit is cut at a word boundary where there is one, and ends in "…".
    """
    if not (raw.isascii() and raw.isprintable()):
        raw = "".join(
            char if char in _KEPT_FORMAT else _DROPPED.get(unicodedata.category(char), char)
            for char in raw
        )
        raw = unicodedata.normalize("NFC", raw)
    text = " ".join(raw.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    words = head.rsplit(" ", 1)[0] if text[limit - 1] != " " else head
    # A boundary in the first half would throw away more than it saves.
    return (words if len(words) > limit // 2 else head).rstrip() + "…"


def clean_word(raw: str) -> str:
    """Clean a category or attribute value; its curly quotes become plain, as they delimit these."""
    return _clean_word(raw) if len(raw) < _LONG else _clean_word.__wrapped__(raw[:_LOOKED_AT])


def clean_title(raw: str) -> str:
    """Clean a title; its own double quotes become single, as “curly quotes” delimit titles."""
    return _clean_title(raw) if len(raw) < _LONG else _clean_title.__wrapped__(raw[:_LOOKED_AT])


def clean_description(raw: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """Clean a description; its own double quotes become single, as “curly quotes” delimit titles.

    It is not remembered: descriptions are long, and each is met once for every hundred titles.
    """
    return clean_text(_DOUBLE_QUOTES.sub("'", raw[:_LOOKED_AT]), limit)


@lru_cache(REMEMBERED)
def _clean_word(raw: str) -> str:
    return clean_text(_QUOTES.sub("'", raw))


@lru_cache(REMEMBERED)
def _clean_title(raw: str) -> str:
    return clean_text(_DOUBLE_QUOTES.sub("'", raw), TITLE_LIMIT)
